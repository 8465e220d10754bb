#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "base/suggest.h"
#include "exporters/json.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/gate_preview.h"
#include "monitor/commands/notice_output.h"
#include "monitor/commands/options.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/read_config.h"
#include "monitor/config/rule_file.h"
#include "monitor/explain/time_to_detect.h"
#include "monitor/replay/recording.h"
#include "monitor/replay/replay.h"
#include "rules/judgement/default_rules.h"
#include "rules/language/parser.h"
#include "rules/language/promql.h"
#include "rules/language/rule_check.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

constexpr const char* kAnyService = "SERVICE";

struct ExplainArguments {
  std::string rule;
  std::string config = "belay.yaml";
  std::vector<std::string> rules;
  std::string service = kAnyService;
  std::vector<std::string> recordings;
  OutputFormat output = OutputFormat::text;
};

/// A rule, and what it is for as far as that is known.
struct KnownRule {
  rules::Rule rule;
  bool is_of_rollout = false;  ///< Judged in rollouts, of the candidate.
  std::string service = {};    ///< Of the configuration; empty: of any.
};

void add(std::vector<KnownRule>& known, const std::vector<rules::Rule>& rules, bool is_of_rollout,
         const std::string& service = "") {
  for (const rules::Rule& rule : rules) known.push_back({rule, is_of_rollout, service});
}

/// Where a rule may be found by its name: the files that are named, else the configuration, else
/// the packs.
std::optional<std::vector<KnownRule>> known_rules(const ExplainArguments& arguments) {
  std::vector<KnownRule> known;
  if (!arguments.rules.empty()) {
    const auto named = load_rules(arguments.rules);
    if (!named) return std::nullopt;
    const auto is_of_rollouts = [](const std::string& file) { return file == "packs/rollout"; };
    add(known, *named, std::ranges::all_of(arguments.rules, is_of_rollouts));
    return known;
  }
  std::error_code error;
  // What cannot be looked at is there: reading it says what is wrong.
  if (std::filesystem::exists(arguments.config, error) || error) {
    ReadConfig read = read_config(arguments.config, Interpolation::of_process());
    if (!read.config) {
      show_faults(read.faults);
      return std::nullopt;
    }
    const auto& services = read.config->plan.services;
    const bool is_one_of_ours =
        std::ranges::find(services, arguments.service, &rules::ServicePlan::name) != services.end();
    for (const rules::ServicePlan& service : services) {
      if (is_one_of_ours && arguments.service != service.name) continue;
      add(known, service.rules, false, service.name);
      add(known, service.rollout_rules, true, service.name);
    }
    return known;
  }
  for (const Pack& pack : shipped_packs()) {
    const std::string name(pack.name);
    const auto shipped = load_rules({name});
    if (!shipped) return std::nullopt;
    add(known, *shipped, name == "packs/rollout");
  }
  return known;
}

/// A sentence that stands on the command line itself.
std::optional<rules::Rule> rule_of_sentence(const std::string& text) {
  const rules::ParsedSentence parsed = rules::parse_sentence(text);
  for (const rules::Diagnostic& diagnostic : parsed.diagnostics) {
    fmt::print(stderr, "{}", rules::render(diagnostic, text, "argument"));
  }
  if (!parsed.sentence) return std::nullopt;
  return rules::Rule{.name = "sentence", .sentence = *parsed.sentence};
}

/// The rules of the default judgement, with the limits of the first service that has it.
std::optional<rules::DefaultRule> find_default_rule(const ExplainArguments& arguments) {
  rules::RolloutLimits limits;
  std::error_code error;
  if (arguments.rules.empty() && std::filesystem::exists(arguments.config, error)) {
    const ReadConfig read = read_config(arguments.config, Interpolation::of_process());
    if (!read.config) return std::nullopt;
    const auto& services = read.config->plan.services;
    const auto found = std::ranges::find_if(services, [&](const rules::ServicePlan& service) {
      return service.rollout.is_judged_by_default &&
             (arguments.service == kAnyService || arguments.service == service.name);
    });
    if (found != services.end()) limits = found->rollout.limits;
  }
  for (const rules::DefaultRule& rule : rules::default_rules(limits)) {
    const std::string name = rules::default_name(rule.rule);
    if (arguments.rule == name || arguments.rule.starts_with(name + "/")) return rule;
  }
  return std::nullopt;
}

int explain_default(const rules::DefaultRule& rule, OutputFormat output) {
  const std::string name = rules::default_name(rule.rule);
  if (output != OutputFormat::text) {
    ordered_json json{{"rule", name}, {"when", rule.when}, {"then", rule.then}};
    if (!rule.guard.empty()) json["if"] = rule.guard;
    if (!rule.holds.empty()) json["unknown"] = rule.holds;
    print(exporters::text_of(json, output == OutputFormat::json ? 2 : -1) + "\n");
    return kExitPass;
  }
  const Style style = Style::of(stdout);
  std::string text = fmt::format("{}\n  when       {}\n", style.bold(name), rule.when);
  if (!rule.guard.empty()) text += fmt::format("  if         {}\n", rule.guard);
  text += fmt::format("  then       {}\n", rule.then);
  if (!rule.holds.empty()) text += fmt::format("  unknown    while {}\n", rule.holds);
  text += "  judges     every rollout that has no rules of its own, or says `compare: true`\n";
  print(text);
  return kExitPass;
}

std::optional<KnownRule> find_rule(const ExplainArguments& arguments, int& code) {
  code = kExitUsage;
  if (arguments.rule.find(' ') != std::string::npos) {
    const auto rule = rule_of_sentence(arguments.rule);
    return rule ? std::optional(KnownRule{*rule}) : std::nullopt;
  }
  code = kExitConfiguration;
  const auto rules = known_rules(arguments);
  if (!rules) return std::nullopt;
  const auto found = std::ranges::find_if(
      *rules, [&](const KnownRule& known) { return known.rule.name == arguments.rule; });
  const auto is_of_another = [&](const KnownRule& known) {
    return known.rule.name == arguments.rule && known.service != found->service;
  };
  if (found != rules->end()) {
    KnownRule only = *found;
    if (std::ranges::any_of(*rules, is_of_another)) only.service.clear();
    return only;
  }
  code = kExitUsage;
  std::vector<std::string_view> names;
  for (const KnownRule& known : *rules) names.push_back(known.rule.name);
  std::vector<std::string> defaults;
  for (const rules::DefaultRule& rule : rules::default_rules({}))
    defaults.push_back(rules::default_name(rule.rule));
  names.insert(names.end(), defaults.begin(), defaults.end());
  const auto meant = nearest(arguments.rule, names);
  complain(sanitize(fmt::format("there is no rule {}{}", arguments.rule,
                                meant ? fmt::format("; did you mean {}?", *meant)
                                      : fmt::format("; there are {}", fmt::join(names, ", ")))));
  return std::nullopt;
}

/// How the rule stands on each service at the end of the recordings.
std::optional<std::vector<rules::RuleStatus>> status_over(const rules::Rule& rule,
                                                          const std::vector<std::string>& files) {
  Replay::Options options;
  rules::ServicePlan plan;
  plan.rules = {rule};
  options.plan.any_service = std::move(plan);
  Replay replay{std::move(options), [](const rules::Step&, Instant) {}};
  for (const std::string& file : files) {
    const Status read = read_recording(file, [&](std::string_view piece) {
      replay.feed(piece);
      return true;
    });
    if (!read) {
      complain(sanitize(read.error().message));
      return std::nullopt;
    }
    replay.end_of_file();
  }
  replay.finish();
  std::vector<rules::RuleStatus> statuses;
  if (const auto snapshot = replay.snapshot()) {
    for (const rules::ServiceStatus& service : snapshot->services) {
      statuses.insert(statuses.end(), service.rules.begin(), service.rules.end());
    }
  }
  return statuses;
}

ordered_json json_of(const KnownRule& known, const std::string& service) {
  const rules::Rule& rule = known.rule;
  ordered_json json{{"rule", rule.name},
                    {"sentence", rule.sentence.text},
                    {"normal_form", rules::normal_form(rule.sentence)},
                    {"then", then_text(rule.then)},
                    {"feeds", what_feeds(rule.sentence)},
                    {"time_to_detect", time_to_detect(rule.sentence)}};
  if (const auto promql = rules::nearest_promql(rule.sentence, service, known.is_of_rollout))
    json["promql"] = *promql;
  return json;
}

std::string text_of_rule(const KnownRule& known, const std::string& service, const Style& style) {
  const rules::Rule& rule = known.rule;
  std::string text = fmt::format("{}\n", style.bold(rule.name));
  const auto row = [&](std::string_view name, std::string_view value) {
    text += fmt::format("  {:<10} {}\n", name, sanitize(value, 4000));
  };
  const auto rows = [&](std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      row(name, value);
      name = "";
    }
  };
  row("reads as", rules::normal_form(rule.sentence));
  row("then", then_text(rule.then));
  if (!rule.summary.empty()) row("summary", rule.summary);
  if (!rule.runbook.empty()) row("runbook", rule.runbook);
  rows("fed by", what_feeds(rule.sentence));
  rows("fires", time_to_detect(rule.sentence));
  const auto promql = rules::nearest_promql(rule.sentence, service, known.is_of_rollout);
  row("PromQL", promql ? *promql : "no metric of Belay holds all that this needs");
  return text;
}

std::string text_of(const rules::RuleStatus& status, const Style& style) {
  const char* state = status.firing ? "firing" : rules::name_of(status.truth);
  const std::string coloured = status.truth == rules::Truth::bad    ? style.red(state)
                               : status.truth == rules::Truth::fine ? style.green(state)
                                                                    : style.yellow(state);
  std::string text = fmt::format("  {:<10} {}: {}\n", "now", sanitize(status.service), coloured);
  for (const rules::Evidence& evidence : status.evidence) {
    text += fmt::format("  {:<10}   {}\n", "", sanitize(line_of(evidence)));
    if (evidence.by_wall_time) text += fmt::format("  {:<10}   latency is wall time\n", "");
  }
  return text;
}

int explain(const ExplainArguments& arguments) {
  if (arguments.rule.starts_with("default/")) {
    if (const auto rule = find_default_rule(arguments))
      return explain_default(*rule, arguments.output);
  }
  int code = kExitUsage;
  const auto rule = find_rule(arguments, code);
  if (!rule) return code;
  const auto statuses = status_over(rule->rule, arguments.recordings);
  if (!statuses) return kExitUsage;
  const bool is_named = arguments.service != kAnyService || rule->service.empty();
  const std::string& service = is_named ? arguments.service : rule->service;
  if (arguments.output != OutputFormat::text) {
    ordered_json json = json_of(*rule, service);
    for (const rules::RuleStatus& status : *statuses) {
      json["now"].push_back(exporters::json_of(status));
    }
    print(exporters::text_of(json, arguments.output == OutputFormat::json ? 2 : -1) + "\n");
    return kExitPass;
  }
  const Style style = Style::of(stdout);
  std::string text = text_of_rule(*rule, service, style);
  for (const rules::RuleStatus& status : *statuses) text += text_of(status, style);
  print(text);
  return kExitPass;
}

}  // namespace

void add_explain(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "explain", "One rule opened up: how it reads, what feeds it, how soon it fires, its PromQL");
  auto arguments = std::make_shared<ExplainArguments>();
  verb->add_option("rule", arguments->rule, "The name of a rule, or a sentence in quotes")
      ->required()
      ->type_name("RULE");
  add_config_option(*verb, arguments->config);
  verb->add_option("--rules", arguments->rules, "Look the rule up in these packs and files instead")
      ->type_name("FILE");
  verb->add_option("--service", arguments->service, "The service in the PromQL")
      ->capture_default_str();
  verb->add_option("--from", arguments->recordings, "Recordings: the rule's value at their end")
      ->type_name("FILE");
  add_output_option(*verb, arguments->output);
  verb->callback(
      [arguments, &chosen] { chosen = [arguments] { return delivered(explain(*arguments)); }; });
}

}  // namespace belay::monitor
