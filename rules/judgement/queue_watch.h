#pragma once

#include <map>
#include <string>

#include "base/time.h"
#include "rules/judgement/rollout_judgement.h"
#include "rules/judgement/rollout_limits.h"
#include "rules/judgement/service_evidence.h"

namespace belay::rules {

/// By queue, of those that were read within three intervals of their source.
std::map<std::string, double> queue_depths(const ServiceEvidence& evidence, Instant now);

/// How deep the queues of a service were when its rollout began, and which have been above the
/// limit since. A queue that was not read then is taken as it was read first.
class QueueWatch {
 public:
  /// `before`: known from an earlier life of the rollout.
  QueueWatch(const RolloutLimits& limits, std::map<std::string, double> before)
      : limits_(limits), before_(std::move(before)) {}

  /// At each whole second: tells the judgement what has been deep for long enough, and what is not
  /// deep any more. A depth that is not known, or not read for three intervals, changes nothing.
  void check(const ServiceEvidence& evidence, Instant now, RolloutJudgement& judgement);

  [[nodiscard]] const std::map<std::string, double>& before() const { return before_; }

 private:
  RolloutLimits limits_;
  std::map<std::string, double> before_;
  std::map<std::string, Instant> above_since_;
};

}  // namespace belay::rules
