#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/read_config.h"
#include "monitor/config/rule_file.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

struct CheckArguments {
  std::vector<std::string> files = {"belay.yaml"};
  OutputFormat output = OutputFormat::text;
};

/// What became of one file.
struct Checked {
  std::string file;
  std::vector<rules::Located> faults;
  std::string contents;  ///< "2 services, 3 sources, 7 rules"
  [[nodiscard]] bool ok() const { return !rules::has_error(faults); }
};

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string contents_of(const Config& config) {
  std::size_t rules = 0;
  std::size_t by_default = 0;
  for (const rules::ServicePlan& service : config.plan.services) {
    rules += service.rules.size() + service.rollout_rules.size() + service.preflight_rules.size();
    if (service.rollout.is_judged_by_default) ++by_default;
  }
  return fmt::format("{}, {}, {}{}", counted(config.services.size(), "service"),
                     counted(config.sources.size(), "source"), counted(rules, "rule"),
                     by_default == 0
                         ? ""
                         : fmt::format(", and the default judgement of the rollouts of {}",
                                       counted(by_default, "service")));
}

/// A rule file has rules and no services at its top.
bool is_rule_file(const std::string& file) {
  if (file.starts_with("packs/")) return true;
  Result<YamlFile> yaml = YamlFile::read(file, {});
  if (!yaml) return false;
  bool has_rules = false;
  for (const YamlEntry& entry : yaml->root().entries()) {
    if (entry.name == "services") return false;
    has_rules = has_rules || entry.name == "rules" || entry.name == "tests";
  }
  return has_rules;
}

Checked check_file(const std::string& file) {
  if (is_rule_file(file)) {
    RuleFile rules = load_rule_file(file, working_directory());
    return {file, std::move(rules.faults),
            fmt::format("{}, {}", counted(rules.rules.size(), "rule"),
                        counted(rules.tests.size(), "test"))};
  }
  ReadConfig read = read_config(file, Interpolation::of_process());
  return {file, std::move(read.faults), read.config ? contents_of(*read.config) : ""};
}

ordered_json json_of(const rules::Located& fault) {
  const bool is_error = fault.what.level == rules::Diagnostic::Level::error;
  ordered_json json{{"level", is_error ? "error" : "warning"},
                    {"file", fault.file},
                    {"line", fault.line},
                    {"column", fault.what.column},
                    {"message", fault.what.message}};
  if (!fault.what.suggestion.empty()) json["suggestion"] = fault.what.suggestion;
  return json;
}

ordered_json json_of(const Checked& checked) {
  ordered_json json{
      {"file", checked.file}, {"ok", checked.ok()}, {"faults", ordered_json::array()}};
  for (const rules::Located& fault : checked.faults) json["faults"].push_back(json_of(fault));
  return json;
}

void show(const Checked& checked, const Style& style) {
  show_faults(checked.faults);
  const auto errors = std::ranges::count_if(checked.faults, [](const rules::Located& fault) {
    return fault.what.level == rules::Diagnostic::Level::error;
  });
  const auto warnings = static_cast<std::size_t>(std::ssize(checked.faults) - errors);
  std::string line = checked.ok() ? fmt::format("{} {}: {}", style.green("✔"),
                                                sanitize(checked.file), checked.contents)
                                  : fmt::format("{} {}: {}", style.red("✖"), sanitize(checked.file),
                                                counted(static_cast<std::size_t>(errors), "error"));
  if (warnings > 0) line += ", " + counted(warnings, "warning");
  print(line + "\n");
}

int check(const CheckArguments& arguments) {
  bool ok = true;
  ordered_json all = ordered_json::array();
  const Style style = Style::of(stdout);
  for (const std::string& file : arguments.files) {
    const Checked checked = check_file(file);
    ok = ok && checked.ok();
    if (arguments.output == OutputFormat::text) show(checked, style);
    if (arguments.output == OutputFormat::jsonl) print(exporters::text_of(json_of(checked)) + "\n");
    all.push_back(json_of(checked));
  }
  if (arguments.output == OutputFormat::json) {
    print(exporters::text_of({{"ok", ok}, {"files", all}}, 2) + "\n");
  }
  return ok ? kExitPass : kExitConfiguration;
}

}  // namespace

void add_check(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "check", "Parse and type-check configurations and rule files; nothing is connected to");
  auto arguments = std::make_shared<CheckArguments>();
  verb->add_option("files", arguments->files, "Configurations, rule files or packs")
      ->type_name("FILE...")
      ->capture_default_str();
  add_output_option(*verb, arguments->output);
  verb->callback(
      [arguments, &chosen] { chosen = [arguments] { return delivered(check(*arguments)); }; });
}

}  // namespace belay::monitor
