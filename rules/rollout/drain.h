#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/names.h"
#include "rules/judgement/service_evidence.h"
#include "rules/language/rule.h"
#include "rules/service.h"

namespace belay::rules {

/// What a platform and a flag's caches take to follow, at the least.
inline constexpr Duration kSettles = std::chrono::seconds{10};

/// Whether a version that was rolled back from really loses its requests: "done" of a command, or
/// a platform's answer that the restored version is live, do not show that. Looks at the end of the
/// watch only, so that what was under way when it was rolled back does not count.
class Drain {
 public:
  /// The service's requests before the rollback.
  struct Before {
    std::uint64_t own = 0;    ///< Of the version.
    std::uint64_t named = 0;  ///< Of any version.
    std::uint64_t all = 0;
    [[nodiscard]] double share() const;
  };
  /// The last ten seconds to a minute of them, as many as show a share, else the last ten minutes.
  static Before before(const Service& service, const std::string& version, Instant now);

  /// `watched_for`: from `now` on, how long the rollback is watched. `rules`: those that watch it
  /// and judge the service itself; they must outlive this.
  Drain(std::string version, NameId id, const Before& before, Duration watched_for,
        const std::vector<const Rule*>& rules, ServiceEvidence& evidence, Instant now);

  struct Finding {
    bool is_objection = false;
    std::string words;  ///< Empty: no request of it was seen, or the log names no versions.
  };
  /// At the end of the watch: by its last fifth (five seconds to a minute), or by as much more as
  /// it takes to hold 40 requests of the service; as of the newest that the logs show. It objects
  ///
  /// - "v2 still gets 240 of 480 requests": half of its share or more, one in a hundred or more,
  ///   and more than two;
  /// - "... and errors is bad on it": fewer, but more than a handful, and one of the rules is bad
  ///   on what is left;
  /// - "nobody saw whether v2 still gets requests": the log named versions before and shows none
  ///   now, or cannot be trusted.
  Finding look(ServiceEvidence& evidence, Instant now);
  void keep(WindowStore& windows) const;

 private:
  struct Asked {
    const Rule* rule;
    BoundCondition condition;
  };
  struct Left {
    std::uint64_t own = 0;
    std::uint64_t nameless = 0;
    std::uint64_t all = 0;
  };
  [[nodiscard]] Left left(const ServiceEvidence& evidence, Instant now) const;
  [[nodiscard]] bool is_unseen(const ServiceEvidence& evidence, const Left& left,
                               Instant now) const;
  [[nodiscard]] const Rule* bad_on_it(ServiceEvidence& evidence, Instant now);

  std::string version_;
  Before before_;
  Instant since_;  // What came earlier does not count.
  Duration watched_for_;
  std::vector<Asked> asked_;
  Window* of_version_;  // Of the service's evidence.
  Window* of_none_;
  Window* of_all_;
};

}  // namespace belay::rules
