#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/names.h"
#include "rules/judgement/rollout_numbers.h"
#include "rules/judgement/service_evidence.h"
#include "rules/language/rule.h"
#include "rules/service.h"

namespace belay::rules {

/// What a platform and a flag's caches take to follow, at the least.
inline constexpr Duration kSettles = std::chrono::seconds{10};
/// A person who looks at a version, or a probe that asks it, is not its traffic: fewer of the
/// requests are not, unless nobody else has any.
inline constexpr std::uint64_t kTrafficRequestsMin = 3;
inline constexpr double kTrafficShareMin = 0.01;
constexpr bool is_traffic(std::uint64_t part, std::uint64_t all) {
  if (part == all) return part >= 2;
  return part >= kTrafficRequestsMin &&
         static_cast<double>(part) >= kTrafficShareMin * static_cast<double>(all);
}

/// Whether a version that was rolled back from really loses its requests, to the one that was
/// restored: "done" of a command, or a platform's answer that the restored version is live, do not
/// show that. Looks at the end of the watch, so that what was under way when it was rolled back
/// does not count.
class Drain {
 public:
  struct Versions {
    std::string left;      ///< Rolled back from.
    std::string restored;  ///< Never empty.
  };
  /// The service's requests before the rollback.
  struct Before {
    std::uint64_t own = 0;    ///< Of the version.
    std::uint64_t rest = 0;   ///< Neither of it nor of the restored one; nameless ones too.
    std::uint64_t named = 0;  ///< Of any version.
    std::uint64_t all = 0;
    bool is_of_pair = false;  ///< Of the two versions alone: others were not counted.
    /// Of the two since the step began, within a minute of that, with one share in all of it, and
    /// where the baseline's log is not behind: then most of what came before says nothing.
    std::uint64_t own_in_step = 0;
    std::uint64_t both_in_step = 0;
    /// Of the requests, 0..1, that the version was to get, where that is known.
    std::optional<double> given = std::nullopt;
    [[nodiscard]] double share() const;
    [[nodiscard]] bool shows_a_share() const;  ///< Enough of them.
    /// Of one that has just begun, and of which hardly any have come: what it was to get.
    [[nodiscard]] double likely_share() const;
  };
  /// What is known after a restart: of the decision. Nothing if that has seen no requests.
  static std::optional<Before> before(const RolloutNumbers& numbers);
  /// The last ten seconds to a minute of them, as many as show a share, else the last ten minutes.
  static Before before(const Service& service, NameTable& names, const Versions& versions,
                       Instant now);

  /// `before`: nothing where nobody knows. `watched_for`: from `now` on,
  /// how long the rollback is watched. `rules`: those that watch it and judge the service itself;
  /// they must outlive this.
  Drain(Versions versions, NameTable& names, std::optional<Before> before, Duration watched_for,
        const std::vector<const Rule*>& rules, ServiceEvidence& evidence, Instant now);

  struct Finding {
    bool is_objection = false;
    std::string words;  ///< Empty: no request of it was seen, or the log names no versions.
  };
  /// At the end of the watch: by its last fifth (five seconds to a minute), or by as much more as
  /// it takes to hold 40 requests of the service and ten that the version would have had; as of the
  /// newest that the logs show. It objects
  ///
  /// - "v2 still gets 240 of 480 requests": half of its share or more, and more than two;
  /// - "... too few to see": so little came that it may be half of its share by chance;
  /// - "... and errors is bad on it": fewer, but more than a handful, and one of the rules is bad
  ///   on what is left, or would be with as many as it asks for: half of them are bad by it, and
  ///   three;
  /// - "other versions than v1 get 240 of 480 requests": they have taken half of its share or more,
  ///   or one of the rules is bad on the service as a whole;
  /// - "nobody saw whether v2 still gets requests": the log named versions before and shows none
  ///   now, names neither of the two, or cannot be trusted. What nobody knows to have been named
  ///   before counts as named.
  Finding look(ServiceEvidence& evidence, Instant now);
  void keep(WindowStore& windows) const;

 private:
  struct Asked {
    const Rule* rule;
    BoundCondition condition;
  };
  struct Left {
    std::uint64_t own = 0;
    std::uint64_t restored = 0;
    std::uint64_t nameless = 0;
    std::uint64_t all = 0;
    [[nodiscard]] std::uint64_t rest() const { return all - own - restored; }
  };
  void ask(const std::vector<const Rule*>& rules, NameId left, NameId restored,
           ServiceEvidence& evidence, Instant now);
  [[nodiscard]] Left left(const ServiceEvidence& evidence, Instant now) const;
  /// Requests of the version that were to be expected among so many, had nothing been done.
  [[nodiscard]] double expected(const Left& left, double share) const;
  /// Whether so few may be left although nothing was done.
  [[nodiscard]] bool may_be_chance(const Left& left) const;
  [[nodiscard]] std::optional<std::string> objection_to_left(const Left& left,
                                                             ServiceEvidence& evidence,
                                                             Instant now);
  [[nodiscard]] std::optional<std::string> objection_to_rest(const Left& left,
                                                             ServiceEvidence& evidence,
                                                             Instant now);
  [[nodiscard]] bool is_unseen(const ServiceEvidence& evidence, const Left& left,
                               Instant now) const;
  [[nodiscard]] bool was_named() const { return !is_known_ || before_.named > 0; }
  /// "27 of 27 requests are bad by errors, which asks for 50".
  static std::optional<std::string> mostly_bad_by(std::vector<Asked>& asked,
                                                  ServiceEvidence& evidence, Instant now);
  static const Rule* bad_of(std::vector<Asked>& asked, ServiceEvidence& evidence, Instant now);

  Versions versions_;
  bool is_known_;  // What was before.
  Before before_;
  Instant since_;  // What came earlier does not count.
  Duration watched_for_;
  std::vector<Asked> of_left_;
  std::vector<Asked> of_service_;
  Window* of_version_;  // Of the service's evidence.
  Window* of_restored_;
  Window* of_none_;
  Window* of_all_;
};

}  // namespace belay::rules
