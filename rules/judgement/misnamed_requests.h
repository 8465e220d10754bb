#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/names.h"
#include "rules/judgement/recent_failures.h"
#include "rules/judgement/stray_failures.h"

namespace belay::rules {

/// Requests in a service's own log that name another service, which nobody knows. A neighbour in a
/// shared file does so, and so does one code path of the service itself, its error handler say:
/// they count for nobody.
class MisnamedRequests {
 public:
  struct Versions {
    NameId asked = kNoName;      ///< How it is, is the question.
    NameId other = kNoName;      ///< The other version of the rollout: it is not asked for.
    bool was_other_well = true;  ///< Then what names that one shows how they always were.
  };
  /// What ended before `since` is not asked for.
  MisnamedRequests(const Versions& versions, Instant since) : versions_(versions), since_(since) {}

  void add(NameId version, Instant at, std::uint64_t requests, bool are_failing);
  /// Forgets what came.
  void begin(Instant since);
  /// Of those without a version, and of those with a version of their own, so many failed a second
  /// before the rollout. None is usual where none was.
  void are_usual(const StrayFailures::Usual& failed) { usual_ = failed; }

  /// Why nobody knows how the version is: of these requests, since then or lately, three or more
  /// failed as no neighbour's do that is well; and if they were the service's, more of the
  /// version's requests would have failed than may. Of those that name it one in ten must have
  /// failed, and plainly more than of those that name a well other version; of the rest half, and
  /// plainly more than usually. `counted`: its requests that name the service; `allowed`: the share
  /// of them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(const std::string& name,
                                                 const StrayFailures::Counted& counted,
                                                 double allowed, Instant now) const;

 private:
  using Sums = RecentFailures::Sums;
  FailuresSeen& seen_of(NameId version);
  /// How many of them are no well neighbour's.
  [[nodiscard]] std::uint64_t unwell(bool are_recent, Instant until) const;

  Versions versions_;
  Instant since_;
  StrayFailures::Usual usual_;
  FailuresSeen of_asked_;  // Since then.
  FailuresSeen of_other_;
  FailuresSeen nameless_;
  FailuresSeen of_others_;  // With a version of their own.
};

}  // namespace belay::rules
