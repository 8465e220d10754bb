#include "rules/judgement/probe_watch.h"

#include <algorithm>

#include "base/sanitize.h"

namespace belay::rules {

void ProbeWatch::Answers::count_nameless(bool has_failed) {
  if (has_failed) {
    ++failed_nameless;
    passed_nameless = 0;
    is_red_nameless = is_red_nameless || failed_nameless >= kInRow;
    return;
  }
  failed_nameless = 0;
  ++passed_nameless;
  is_red_nameless = is_red_nameless && passed_nameless < kInRow;
  failed_alone = 0;  // It may be the candidate's.
}

void ProbeWatch::Answers::count(Role role, Instant at, bool has_failed) {
  std::uint32_t& in_row = failed[static_cast<std::size_t>(role)];
  in_row = has_failed ? in_row + 1 : 0;
  if (role == Role::baseline && !has_failed) {
    baseline_passed_at = at;
  } else if (role == Role::candidate && has_failed) {
    if (failed_alone++ == 0) failed_alone_since = at;
  } else {
    failed_alone = 0;
  }
}

bool are_doubtful(const std::deque<bool>& newest) {
  const auto failures = std::count(newest.begin(), newest.end(), true);
  const auto count = std::ssize(newest);
  const bool are_last_two = count >= 2 && newest[newest.size() - 1] && newest[newest.size() - 2];
  return failures > 0 && (failures == count || are_last_two || failures >= 3);
}

void ProbeWatch::answered(const std::string& probe, std::optional<Role> role, Instant at,
                          bool failed) {
  Answers& answers = probes_[probe];
  if (role) answers.count(*role, at, failed);
  if (role == Role::baseline) {
    ++answers.of_baseline;
    return;
  }
  if (!role || !failed) answers.count_nameless(failed);
  answers.newest.push_back(failed);
  if (answers.newest.size() > kNewest) answers.newest.pop_front();
}

std::optional<std::string> ProbeWatch::worse() const {
  for (const auto& [probe, answers] : probes_) {
    // An answer from before the candidate began to fail says nothing of the time since.
    const bool is_baseline_well = answers.failed_by(Role::baseline) == 0 &&
                                  answers.baseline_passed_at >= answers.failed_alone_since;
    if (answers.failed_alone >= kInRow && is_baseline_well) return probe;
  }
  return std::nullopt;
}

std::vector<ProbeWatch::Red> ProbeWatch::red() const {
  std::vector<Red> red;
  for (const auto& [probe, answers] : probes_) {
    if (answers.failed_by(Role::candidate) >= kInRow)
      red.push_back({.probe = probe, .is_shared = answers.failed_by(Role::baseline) >= kInRow});
    if (answers.is_red_nameless) red.push_back({.probe = probe, .is_nameless = true});
  }
  return red;
}

std::optional<std::string> ProbeWatch::doubt() const {
  for (const auto& [probe, answers] : probes_) {
    if (are_doubtful(answers.newest))
      return "too many of the newest answers of probe " + sanitize(probe) + " are failures";
    if (answers.newest.empty() && answers.of_baseline > 0)
      return "probe " + sanitize(probe) + " has reached only the baseline: its aim was not taken";
  }
  return std::nullopt;
}

}  // namespace belay::rules
