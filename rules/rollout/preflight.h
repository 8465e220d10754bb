#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/rollout/rollout_plan.h"

namespace belay::rules {

/// What is known before the first step, and what it means.
struct PreflightFacts {
  std::string candidate;
  std::string baseline;
  bool is_driving = false;
  bool was_rolled_away = false;            ///< The baseline, from.
  std::optional<std::string> failed = {};  ///< "v1 failed at ...": the baseline, before.
  /// Has most of what is live, and has failed; nothing if it has not.
  std::optional<std::string> serving_failed = {};
  std::optional<std::string> last_good;         ///< VersionHistory's, if one is known.
  std::string serving;                          ///< Has most of the traffic; empty: not known.
  std::optional<std::string> baseline_unknown;  ///< Why its health is not known; none if it is.
  std::vector<std::string> unmet;               ///< Requirements, in words.
  std::vector<PreflightDone::Check> sentences;  ///< Of the plan's preflight_rules.
  bool is_asked = false;                        ///< The world was asked,
  std::optional<PreflightDone> answered;        ///< and said this.
};
struct PreflightAnswer {
  bool is_bad = false;                  ///< Else only not known.
  std::vector<std::string> hindrances;  ///< None: it may begin.
};
PreflightAnswer judge_preflight(const PreflightFacts& facts);

/// How far the questions of one rollout are.
struct PreflightProgress {
  std::optional<Instant> asked_at = {};
  std::optional<PreflightDone> answered = {};
  std::optional<Instant> hindered_since = {};
  std::vector<std::string> unmet = {};  ///< Requirements, in words.
  bool is_waived = false;               ///< Attached, by a person: what is unmet.
  bool was_paged = false;
  std::set<std::string> told = {};  ///< Attached: what is in the way of a rollback.
};

/// Why no step may begin at this moment; nothing if one may.
std::optional<std::string> frozen(const RolloutPlan& plan, Instant now);

}  // namespace belay::rules
