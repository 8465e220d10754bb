#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/names.h"
#include "rules/judgement/recent_failures.h"
#include "rules/judgement/stray_failures.h"

namespace belay::rules {

/// Requests in a service's own log that name another service, which nobody knows, and one version
/// of its rollout or neither. A neighbour in a shared file does so, and so does one code path of
/// the service itself, its error handler say: they count for nobody.
class MisnamedRequests {
 public:
  struct Versions {
    NameId asked = kNoName;  ///< How it is, is the question.
    NameId other = kNoName;  ///< What names this one says nothing of it.
  };
  /// What ended before `since` is not asked for.
  MisnamedRequests(const Versions& versions, Instant since) : versions_(versions), since_(since) {}

  void add(NameId version, Instant at, std::uint64_t requests, bool are_failing);
  /// Forgets what came.
  void begin(Instant since);
  /// Of those without a version so many failed a second before the rollout.
  void nameless_are_usual(double failed) { usual_ = failed; }

  /// Why nobody knows how the version is: of these requests, since then or lately, half failed,
  /// three or more, as no neighbour's do that is well (of those without a version only if plainly
  /// more fail than usually); and if they were the service's, more of the version's requests would
  /// have failed than may. `counted`: its requests that name the service; `allowed`: the share of
  /// them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(const std::string& name,
                                                 const StrayFailures::Counted& counted,
                                                 double allowed) const;

 private:
  Versions versions_;
  Instant since_;
  double usual_ = 0;
  FailuresSeen nameless_;  // Since then.
  FailuresSeen rest_;
};

}  // namespace belay::rules
