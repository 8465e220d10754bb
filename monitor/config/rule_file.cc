#include "monitor/config/rule_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"
#include "monitor/config/enum_choice.h"
#include "monitor/config/written_path.h"
#include "rules/judgement/verdict.h"
#include "rules/language/parser.h"
#include "rules/language/rule_check.h"
#include "rules/language/words.h"
#include "rules/rollout/train.h"

namespace belay::monitor {
namespace {

constexpr std::array kSeverities = {rules::Severity::critical, rules::Severity::warning};
constexpr std::size_t kNameBytesMax = 100;

/// Reads `rules:`; a rule with an error is left out, its name is kept for the tests.
class RuleReader {
 public:
  void read(const YamlValue& list) {
    for (const YamlValue& element : list.list()) read_rule(element);
  }
  std::vector<rules::Rule> accepted;
  std::vector<std::string> names;

 private:
  void read_rule(const YamlValue& value) {
    YamlMap map(value, "a rule");
    rules::Rule rule;
    const bool named = read_name(map.require("name"), rule);
    const bool judged = read_when(map.require("when"), rule);
    const YamlValue then = map.get("then");
    if (!then.present()) value.fault("\"then\" is missing in a rule", "then: alert");
    const bool acts = read_then(then, rule, judged);
    rule.severity = choice_of(map.get("severity"), kSeverities).value_or(rule.severity);
    for (const YamlValue& service : map.get("services").list()) {
      if (auto name = service.text()) rule.services.push_back(std::move(*name));
    }
    rule.summary = map.get("summary").text().value_or("");
    rule.runbook = map.get("runbook").text().value_or("");
    if (named && judged && acts) accepted.push_back(std::move(rule));
  }

  bool read_name(const YamlValue& value, rules::Rule& rule) {
    const auto name = value.text();
    if (!name) return false;
    const bool plain = std::all_of(name->begin(), name->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == '.';
    });
    if (name->empty() || !plain || name->size() > kNameBytesMax) {
      value.fault("a rule's name is made of letters, digits, -, _ and .");
      return false;
    }
    if (*name == rules::kTrainRule) {
      value.fault("\"train\" stands for a fail elsewhere in a train: give this rule another name");
      return false;
    }
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      value.fault("a rule of this name stands in this file already");
      return false;
    }
    names.push_back(*name);
    rule.name = *name;
    return true;
  }

  static bool read_when(const YamlValue& value, rules::Rule& rule) {
    const auto text = value.text();
    if (!text) return false;
    rules::ParsedSentence parsed = rules::parse_sentence(*text);
    for (const rules::Diagnostic& diagnostic : parsed.diagnostics) value.report(diagnostic);
    if (!parsed.sentence) return false;
    rule.sentence = std::move(*parsed.sentence);
    return true;
  }

  static bool read_then(const YamlValue& value, rules::Rule& rule, bool judged) {
    const auto text = value.text();
    if (!text) return false;
    const auto parsed = rules::parse_then(*text);
    if (const auto* diagnostic = std::get_if<rules::Diagnostic>(&parsed)) {
      value.report(*diagnostic);
      return false;
    }
    rule.then = std::get<rules::Then>(parsed);
    const auto refused = judged ? rules::refused_action(rule.sentence, rule.then) : std::nullopt;
    if (refused) value.fault(*refused, "alert");
    return !refused;
  }
};

RuleFile failed_file(std::string name, std::string message, std::string suggestion = {}) {
  RuleFile out;
  rules::Located located;
  located.file = name;
  located.what.message = std::move(message);
  located.what.suggestion = std::move(suggestion);
  out.name = std::move(name);
  out.faults.push_back(std::move(located));
  out.is_absent = true;
  return out;
}

RuleFile read_rules_and_tests(YamlFile& file) {
  RuleFile out;
  out.name = file.name();
  {
    YamlMap top(file.root(), "a rule file");
    RuleReader reader;
    reader.read(top.require("rules"));
    for (const YamlValue& test : top.get("tests").list()) {
      const std::size_t before = file.faults().size();
      RuleTest read = read_rule_test(test, reader.names);
      if (file.faults().size() == before) out.tests.push_back(std::move(read));
    }
    out.rules = std::move(reader.accepted);
  }
  out.faults = file.faults();
  return out;
}

}  // namespace

RuleFile parse_rule_file(std::string name, std::string text) {
  YamlFile file = YamlFile::parse(std::move(name), std::move(text), {});
  return read_rules_and_tests(file);
}

RuleFile load_rule_file(const std::string& reference, const std::filesystem::path& directory) {
  if (reference.ends_with(".yaml") || reference.ends_with(".yml")) {
    auto file = YamlFile::read(path_in(directory, reference).string(), {});
    if (!file) return failed_file(reference, file.error().message);
    return read_rules_and_tests(*file);
  }
  std::vector<std::string_view> names;
  for (const Pack& pack : shipped_packs()) {
    if (pack.name == reference) return parse_rule_file(reference, std::string(pack.text));
    names.push_back(pack.name);
  }
  const auto meant = nearest(reference, names);
  std::string message = "no shipped rules are called " + reference + "; shipped are ";
  for (const std::string_view name : names) {
    message.append(name == names.front() ? "" : ", ").append(name);
  }
  message.append("; the name of a file ends in .yaml");
  return failed_file(reference, std::move(message), meant ? std::string(*meant) : "");
}

}  // namespace belay::monitor
