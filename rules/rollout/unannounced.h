#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"

namespace belay::rules {

/// Versions that have come without a word and that nobody judges, until that has been told.
class Unannounced {
 public:
  /// So long after it was deployed a rollout of it may still be begun, and nothing is told.
  static constexpr Duration kGrace = std::chrono::minutes{1};

  /// Told before, or not yet: it is as new as any.
  void arrived(const std::string& version, Instant now) { since_.insert_or_assign(version, now); }
  /// A rollout has begun: what is live is its business.
  void forget() { since_.clear(); }
  /// What has been live for so long, each once. What is not live any more is forgotten.
  std::vector<Deployment::Share> take_due(const Deployment& live, Instant now);

 private:
  std::map<std::string, Instant> since_;  // By version.
};

}  // namespace belay::rules
