#include "monitor/config/lint.h"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/suggest.h"
#include "monitor/config/sentence_needs.h"
#include "monitor/sources/bullmq.h"
#include "rules/judgement/condition.h"
#include "rules/language/rule_check.h"
#include "rules/rollout/gate.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {
namespace {

using Sources = std::vector<const SourceConfig*>;

constexpr Duration kDefaultJudgementWindow = std::chrono::minutes{1};  // Of default/latency.

Sources sources_of(const Config& config, const std::string& service) {
  Sources sources;
  for (const SourceConfig& source : config.sources) {
    if (std::holds_alternative<PlatformWatch>(source.of)) continue;  // No rule looks at it.
    if (source.service == service || source.service.empty()) sources.push_back(&source);
  }
  return sources;
}

template <typename Kind>
std::vector<std::string_view> names_of(const Sources& sources) {
  std::vector<std::string_view> names;
  for (const SourceConfig* source : sources) {
    if (std::holds_alternative<Kind>(source->of)) names.push_back(source->name);
  }
  return names;
}

std::string hint(std::string_view name, const std::vector<std::string_view>& candidates) {
  const auto meant = nearest(name, candidates);
  return meant ? fmt::format("; did you mean {}?", *meant) : std::string{};
}

bool is_polled(const rules::QueueSubject& queue, const Sources& sources) {
  return std::ranges::any_of(sources, [&](const SourceConfig* source) {
    const auto* queues = std::get_if<QueuesConfig>(&source->of);
    if (queues == nullptr) return false;
    return queues->names.empty() || std::ranges::any_of(queues->names, [&](const auto& name) {
             return queue.is_expression ? RE2::FullMatch(name, queue.name) : name == queue.name;
           });
  });
}

class RuleLint {
 public:
  RuleLint(const Config& config, const rules::ServicePlan& plan, std::vector<Lint>& found)
      : config_(config), plan_(plan), sources_(sources_of(config, plan.name)), found_(found) {}

  void check(const rules::Rule& rule) {
    const SentenceNeeds needs = needs_of(rule.sentence);
    if (needs.few_errors)
      found_.push_back({false, plan_.name,
                        fmt::format("rule {} fires while there are *few* errors, a healthy service "
                                    "too: did you mean `>`?",
                                    rule.name)});
    check_requests(rule, needs);
    const auto probes = names_of<ProbeConfig>(sources_);
    for (const std::string& probe : needs.probes) {
      if (std::ranges::find(probes, probe) != probes.end()) continue;
      never(rule, fmt::format("there is no probe {}{}", probe, hint(probe, probes)));
    }
    for (const rules::QueueSubject& queue : needs.queues) {
      if (!is_polled(queue, sources_))
        never(rule, fmt::format("no queue {} is polled", queue.name));
    }
    for (const std::string& source : needs.sources) check_source(rule, source);
    for (const std::string& name : needs.prometheus) {
      never(rule, fmt::format("Prometheus is not read yet, so there is no {}", name));
    }
    for (const std::string& name : needs.measurements) {
      never(rule, fmt::format("measurements are not read from logs yet, so there is no {}", name));
    }
  }

  /// What judges shares needs the good requests, too.
  void check_filters(const std::string& judge) {
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
      const rules::SourcePlan& source = config_.plan.sources[i];
      const bool feeds = source.service == plan_.name || source.service.empty();
      if (!feeds || source.kind != rules::SourceKind::log || source.reports_all) continue;
      found_.push_back({true, plan_.name,
                        fmt::format("{} needs every request for a share or a quantile, and {} "
                                    "is filtered: take the filter away",
                                    judge, source.name)});
    }
  }

 private:
  void never(const rules::Rule& rule, const std::string& why) {
    found_.push_back(
        {false, plan_.name, fmt::format("rule {} can never fire: {}", rule.name, why)});
  }

  void check_requests(const rules::Rule& rule, const SentenceNeeds& needs) {
    if (!needs.requests) return;
    const auto logs = names_of<LogConfig>(sources_);
    if (logs.empty()) return never(rule, "the service has no logs");
    check_lateness(rule);
    if (needs.share_of_requests) check_filters("rule " + rule.name);
  }

  /// A window ends now, whatever is still to come for it.
  void check_lateness(const rules::Rule& rule) {
    const Duration window = rules::longest_window(rule.sentence);
    if (window <= Duration::zero()) return;
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
      const rules::SourcePlan& source = config_.plan.sources[i];
      const bool feeds = source.service == plan_.name || source.service.empty();
      if (!feeds || source.kind != rules::SourceKind::log || source.lateness <= window) continue;
      found_.push_back(
          {false, plan_.name,
           fmt::format("rule {} looks back {}, and events of {} may come {} late: those that do "
                       "are in none of its windows, and it stays unknown (no_traffic); look back "
                       "further (`over {}`), or write the `lateness` that they really have",
                       rule.name, format_duration(window), source.name,
                       format_duration(source.lateness),
                       format_duration(source.lateness + window))});
    }
  }

  void check_source(const rules::Rule& rule, const std::string& name) {
    std::vector<std::string_view> names;
    for (const SourceConfig* source : sources_) names.push_back(source->name);
    if (std::ranges::find(names, name) != names.end()) return;
    never(rule, fmt::format("there is no source {}{}", name, hint(name, names)));
  }

  const Config& config_;
  const rules::ServicePlan& plan_;
  Sources sources_;
  std::vector<Lint>& found_;
};

void check_polling(const SourceConfig& source, std::vector<Lint>& found) {
  const auto* queues = std::get_if<QueuesConfig>(&source.of);
  if (queues == nullptr) return;
  const double commands =
      bullmq_commands_per_day(std::max<std::size_t>(queues->names.size(), 1), queues->every);
  const char* each = queues->names.empty() ? " for each queue that is found" : "";
  found.push_back({false, source.service,
                   fmt::format("{}: polling every {} costs about {:.0f} Redis commands a day{}",
                               source.name, format_duration(queues->every), commands, each)});
}

/// What was restored is told to be fine by the same windows, once they are full again.
void check_verifying(const rules::ServicePlan& plan, std::vector<Lint>& found) {
  const auto warn = [&](const std::string& name, Duration window) {
    if (window <= plan.verify_for) return;
    found.push_back({false, plan.name,
                     fmt::format("`verify for` is {}, and {} looks back {}: nobody could say "
                                 "whether a rollback helped",
                                 format_duration(plan.verify_for), name, format_duration(window))});
  };
  for (const auto* rules : {&plan.rules, &plan.rollout_rules}) {
    for (const rules::Rule& rule : *rules) {
      const rules::Then::Kind then = rule.then.kind;
      if (then == rules::Then::Kind::alert || then == rules::Then::Kind::pause) continue;
      warn("rule " + rule.name, rules::longest_window(rule.sentence));
    }
  }
  if (plan.rollout.is_judged_by_default) warn("the default judgement", kDefaultJudgementWindow);
}

/// A rollout is rolled back once, whatever became of it.
void check_ladder(const rules::ServicePlan& plan, std::vector<Lint>& found) {
  const auto rollbacks = std::ranges::count_if(plan.on_fail, [](const rules::Then& then) {
    return then.kind == rules::Then::Kind::rollback;
  });
  if (rollbacks < 2) return;
  found.push_back({false, plan.name,
                   "`on fail` says rollback more than once: a rollout is rolled back once, so only "
                   "the first is ever reached"});
}

void check_last_step(const rules::ServicePlan& plan, std::vector<Lint>& found) {
  const std::vector<rules::RolloutStep>& steps = plan.rollout.steps;
  if (!plan.rollout.is_driving || steps.empty() || steps.back().percent >= 100) return;
  found.push_back({false, plan.name,
                   fmt::format("`steps` end at {:g}%: a version that passes is promoted there, and "
                               "the one before keeps the rest of the traffic; end with `100%` to "
                               "give it all",
                               steps.back().percent)});
}

void check_bakes(const rules::ServicePlan& plan, std::vector<Lint>& found) {
  const auto needed = [&](const rules::RolloutStep& step) {
    return plan.rollout.warm_up + std::min(step.bake, rules::kJudgedAfterWarmUp);
  };
  const std::vector<rules::RolloutStep>& steps = plan.rollout.steps;
  const auto late = std::ranges::find_if(steps, [&](const rules::RolloutStep& step) {
    return step.bake > Duration::zero() && step.bake_max < needed(step);
  });
  if (late == steps.end()) return;
  found.push_back({false, plan.name,
                   fmt::format("a step's hard maximum is {}, and it can pass after {} at the "
                               "earliest, warm-up included: it will be held and paged before that",
                               format_duration(late->bake_max), format_duration(needed(*late)))});
}

/// A rule of one's own takes the place of the default judgement, all of it.
void check_errors(const Config& config, const rules::ServicePlan& plan, std::vector<Lint>& found) {
  const Sources sources = sources_of(config, plan.name);
  const bool has_logs = !names_of<LogConfig>(sources).empty();
  if (!has_logs || plan.rollout.is_judged_by_default) return;
  bool counts = false;
  bool compares = false;
  for (const auto* rules : {&plan.rules, &plan.rollout_rules}) {
    for (const rules::Rule& rule : *rules) {
      if (!rules::counts_for_verdict(rule)) continue;
      counts = true;
      const SentenceNeeds needs = needs_of(rule.sentence);
      // What a program or Prometheus reports may be errors.
      if (!needs.measurements.empty() || !needs.prometheus.empty()) return;
      if (needs.errors && !rules::mentions_baseline(rule.sentence.when)) return;
      compares = compares || needs.errors;
    }
  }
  if (compares) {
    if (!plan.rollout.is_driving)
      found.push_back(
          {false, plan.name,
           "the rules that look at errors compare with the baseline: while it has no traffic, as "
           "after a deploy of all at once, no error of the new version fails it; add one with a "
           "limit of its own (`5xx rate > 5% over 1m, min 50 requests, for 30s`), or `compare: "
           "true`"});
    return;
  }
  found.push_back({false, plan.name,
                   counts ? "no rule that counts for a rollout's verdict looks at errors, and "
                            "rules of its own stand in place of the default judgement: "
                            "`compare: true` keeps that beside them"
                          : "no rule counts for a rollout's verdict: each one will end as unknown; "
                            "`compare: true` has it judged by the default judgement"});
}

/// Where somebody else moves the traffic the calendar holds nothing.
void check_calendar(const rules::ServicePlan& plan, std::vector<Lint>& found) {
  const rules::RolloutPlan& rollout = plan.rollout;
  if (rollout.is_driving || (rollout.windows.empty() && rollout.freezes.empty())) return;
  found.push_back({false, plan.name,
                   "`windows` and `freezes` hold only traffic that Belay moves, and without "
                   "`drive: true` somebody else moves it: a rollout is judged at any time"});
}

void check_probes(const Config& config, const rules::ServicePlan& plan, std::vector<Lint>& found) {
  for (const std::string_view probe : probes_without_version(config, plan.name))
    found.push_back(
        {false, plan.name,
         fmt::format("the answers of probe {} name no version (no `aim` or `version headers`): "
                     "while they fail, the default judgement lets nothing pass, but "
                     "rolls nothing back for it",
                     probe)});
}

/// Only the default judgement looks at each. Where no rule counts, nothing passes.
void check_unread_probes(const Config& config, const rules::ServicePlan& plan,
                         std::vector<Lint>& found) {
  if (plan.rollout.is_judged_by_default) return;
  bool counts = false;
  std::vector<std::string> read;
  for (const auto* rules : {&plan.rules, &plan.rollout_rules}) {
    for (const rules::Rule& rule : *rules) {
      if (!rules::counts_for_verdict(rule)) continue;
      counts = true;
      for (std::string& probe : needs_of(rule.sentence).probes) read.push_back(std::move(probe));
    }
  }
  for (const std::string_view probe : names_of<ProbeConfig>(sources_of(config, plan.name))) {
    if (!counts || std::ranges::find(read, probe) != read.end()) continue;
    found.push_back({false, plan.name,
                     fmt::format("no rule that counts for a rollout's verdict looks at probe {}: "
                                 "a version passes while it fails; `compare: true` looks at each, "
                                 "or write `probe {} fails 3 of 5`",
                                 probe, probe)});
  }
}

/// An answer is asked for in the rollout, not in each step.
void check_pace_of_probes(const Config& config, const rules::ServicePlan& plan,
                          std::vector<Lint>& found) {
  const Duration shortest = rules::shortest_bake(plan.rollout.steps);
  if (shortest == Duration::zero()) return;
  for (const SourceConfig* source : sources_of(config, plan.name)) {
    const auto* probe = std::get_if<ProbeConfig>(&source->of);
    if (probe == nullptr || probe->every <= shortest) continue;
    found.push_back(
        {false, plan.name,
         fmt::format("probe {} is asked every {}, and a step bakes for {}: it passes "
                     "late, or by an answer of before it; ask at least as often",
                     source->name, format_duration(probe->every), format_duration(shortest))});
  }
}

void check_requirements(const Config& config, const rules::ServicePlan& plan,
                        std::vector<Lint>& found) {
  std::vector<std::string_view> environments;
  for (const rules::ServicePlan& other : config.plan.services)
    if (other.name != plan.name && !other.environment.empty())
      environments.push_back(other.environment);
  for (const rules::Requirement& wanted : plan.rollout.requirements) {
    if (std::ranges::find(environments, wanted.environment) == environments.end())
      found.push_back({false, plan.name,
                       fmt::format("`requires` can never be met: no other service has "
                                   "`environment: {}`{}",
                                   wanted.environment, hint(wanted.environment, environments))});
    if (wanted.is_same_commit && plan.rollout.is_attached_by_itself)
      found.push_back(
          {false, plan.name,
           "`requires` asks for the same commit, and a deployment that Belay finds by "
           "itself (`attach: true`) names none: only a person's approval lets it pass"});
  }
}

}  // namespace

std::vector<Lint> lint(const Config& config) {
  std::vector<Lint> found;
  if (!config.page.empty() && config.tell.empty())
    found.push_back({false, "",
                     "`notify` has no `tell`: what is done, and whether it helped, is told to "
                     "nobody; `page` hears only what someone must see now"});
  for (const rules::ServicePlan& plan : config.plan.services) {
    if (sources_of(config, plan.name).empty()) {
      found.push_back({false, plan.name, "no logs, probes or queues: it will stay unknown"});
    }
    RuleLint rules(config, plan, found);
    for (const rules::Rule& rule : plan.rules) rules.check(rule);
    for (const rules::Rule& rule : plan.rollout_rules) rules.check(rule);
    for (const rules::Rule& rule : plan.preflight_rules) rules.check(rule);
    if (plan.rollout.is_judged_by_default) {
      rules.check_filters("the default judgement");
      check_probes(config, plan, found);
      check_pace_of_probes(config, plan, found);
      check_bakes(plan, found);
    }
    check_errors(config, plan, found);
    check_unread_probes(config, plan, found);
    check_verifying(plan, found);
    check_ladder(plan, found);
    check_last_step(plan, found);
    check_calendar(plan, found);
    check_requirements(config, plan, found);
  }
  for (const SourceConfig& source : config.sources) check_polling(source, found);
  return found;
}

std::vector<std::string_view> probes_without_version(const Config& config,
                                                     const std::string& service) {
  std::vector<std::string_view> names;
  for (const SourceConfig* source : sources_of(config, service)) {
    const auto* probe = std::get_if<ProbeConfig>(&source->of);
    if (probe != nullptr && probe->version_headers.empty()) names.push_back(source->name);
  }
  return names;
}

}  // namespace belay::monitor
