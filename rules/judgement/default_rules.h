#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/judgement/rollout_judgement.h"
#include "rules/judgement/rollout_limits.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// One rule of the default judgement, for people: what gate previews, `belay explain` and the start
/// of a rollout say of it.
struct DefaultRule {
  RolloutRule rule{};
  std::string when;   ///< "errors >= 50% over 10s, min 20 requests, for 5s".
  std::string guard;  ///< "the baseline's rate is below half of it"; empty: none.
  std::string then;   ///< "roll back", "pause", "nothing".
  std::string holds;  ///< What lets nothing pass while it is so; empty: nothing but the rule.
};

/// One of ours, that rolls back; its sentence must parse.
Rule default_rule(const std::string& name, std::string_view sentence);
/// `errors` of a whole service, before a rollout: what is bad by it was bad before.
Rule errors_before(const RolloutLimits& limits);
/// All of them, in the order of RolloutRule, with the limits in them.
std::vector<DefaultRule> default_rules(const RolloutLimits& limits);
/// "errors >= 50% over 10s, min 20 requests, for 5s, if the baseline's rate ...".
std::string text_of(const DefaultRule& rule);
/// "candidate worse than baseline at 99%, or broken (50% errors), ... ; limits 5% errors, p95
/// 250ms".
std::string summary_of(const RolloutLimits& limits);

/// After the default judgement rolled back, what was restored is watched by what a person can check
/// by eye: one rule for each RolloutRule, in their order, then one for each of `probes`.
std::vector<Rule> rules_by_default(const RolloutLimits& limits,
                                   const std::vector<std::string>& probes);
/// Those that go on after a promotion, and only alert.
std::vector<Rule> alerts_by_default(const RolloutLimits& limits);

}  // namespace belay::rules
