#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/service_evidence.h"
#include "rules/plan.h"
#include "rules/snapshot.h"
#include "rules/windows/count_window.h"
#include "rules/windows/series_store.h"
#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// What "lately" means of requests (ServiceStatus::recent).
inline constexpr Duration kRecent = std::chrono::minutes{10};

/// One service with its evidence and its rules. Never moves: rules point into its plan.
class Service {
 public:
  Service(ServicePlan plan_of_it, std::uint32_t routes_max, Instant watched_since);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Once its sources are known: binds the rules that are always judged.
  void bind(Instant now);

  /// Another plan, once its sources are known. Rules that stay as they are go on; a rule whose
  /// windows are not there yet counts evidence from `now` on. Until release of the windows that
  /// nobody reads any more, the caller's to do.
  void adopt(ServicePlan next, Instant now);
  /// By which the default judgement knows what was before a rollout; null if it does not judge.
  [[nodiscard]] const JudgedRule* errors_before() const {
    return default_before_.empty() ? nullptr : &before.back();
  }
  /// Drops what is only known from this source: its probe, its queues.
  void forget_source(std::uint32_t source);

  ServicePlan plan;
  const Instant watched_since;
  ServiceEvidence evidence;
  SeriesStore series;
  std::vector<JudgedRule> always;
  /// The rollout rules on the whole service: what was bad before a gate began. Behind them
  /// errors_before(), if the default judgement judges.
  std::vector<JudgedRule> before;
  /// plan.preflight_rules, on the whole service.
  std::vector<JudgedRule> preflight;

  /// Cells of another epoch are out of date.
  std::uint32_t epoch = 0;
  bool has_news = false;  ///< Evidence came since it was judged last.

  /// The slot of a version, in which the time it was last seen is kept. Makes room by forgetting
  /// the one that was not seen for longest, but never one in `spared`.
  std::uint32_t version_slot(NameId version, std::uint32_t versions_max,
                             const std::vector<NameId>& spared, const TimeBuckets& now);
  void see_version(std::uint32_t slot, Instant at, std::uint32_t requests, const TimeBuckets& now,
                   const TimeBuckets& bucket) {
    SeenVersion& version = versions_[slot];
    if (at > version.seen) {
      if (version.comings.empty() || at - version.seen > kAbsentMin) version.come(at);
      version.seen = at;
    } else if (at < version.comings.back().at) {
      version.come_earlier(at);
    }
    version.recent.add(now, bucket, requests);
  }
  /// Of requests that see_version() was told of.
  void note_failures(std::uint32_t slot, std::uint32_t failed, const TimeBuckets& now,
                     const TimeBuckets& bucket) {
    versions_[slot].failed.add(now, bucket, failed);
    failed_.add(now, bucket, failed);
  }
  /// Of requests that see_version() was told of, and that say something of those who asked.
  void note_clients(std::uint32_t slot, bool is_canceled, std::uint16_t status,
                    std::uint32_t requests, const TimeBuckets& now, const TimeBuckets& bucket) {
    if (is_canceled) versions_[slot].canceled.add(now, bucket, requests);
    if (PairedEvidence::is_turned_away(status))
      versions_[slot].turned_away.add(now, bucket, requests);
  }
  /// Of an invocation that is no request.
  void note_failed_invocation(std::uint32_t slot, Instant at) {
    Instant& newest = versions_[slot].invocation_failed;
    newest = std::max(newest, at);
  }
  /// Whether one of this version, or of none, was seen to fail within the last ten minutes.
  [[nodiscard]] bool have_invocations_failed(NameId version, Instant now) const;
  /// Of the last ten minutes, but for those since the candidate came, if it has not been there for
  /// nearly all of them: of what is neither of the two versions. Of each kind one more than was
  /// seen, so as not to take few for none. Nothing where that was watched for less than a minute,
  /// or with gaps.
  [[nodiscard]] std::optional<StrayFailures::Usual> failures_beside(NameId candidate,
                                                                    NameId baseline,
                                                                    Instant now) const;
  /// Of requests, with a version or without, that failed under the name of a service that nobody
  /// knows.
  void note_misnamed(bool is_named, std::uint32_t failed, const TimeBuckets& now,
                     const TimeBuckets& bucket) {
    (is_named ? misnamed_ : misnamed_nameless_).add(now, bucket, failed);
  }
  /// So many of them a second, as of failures_beside(); zero where nobody knows.
  [[nodiscard]] StrayFailures::Usual misnamed_beside(NameId candidate, Instant now) const;
  /// Drops the requests that `now` leaves behind.
  void forget_old_requests(const TimeBuckets& now);
  /// Requests of each version within the last ten minutes, by its name; as of
  /// forget_old_requests().
  [[nodiscard]] std::vector<VersionRequests> recent_requests() const;
  /// The same of the last `over` of them, as of `behind` before that, in steps of ten seconds.
  [[nodiscard]] std::vector<VersionRequests> recent_requests(Duration over, Duration behind) const;
  /// Of one version, and how many of them failed.
  [[nodiscard]] RecentFailures::Sums outcomes_of(NameId version, Duration over) const;
  /// Of one version within the last ten minutes: `total`, `canceled` and `turned_away` only.
  [[nodiscard]] PairedEvidence::Sums clients_of(NameId version) const;
  /// As many of them as did not fail.
  [[nodiscard]] std::vector<VersionRequests> recent_answers(Duration over) const;
  /// When the first of its requests ended after the latest time of at least `absent` without any;
  /// before its first one there was none.
  [[nodiscard]] std::optional<Instant> came(NameId version, Duration absent) const;
  /// When its newest request ended.
  [[nodiscard]] std::optional<Instant> last_seen(NameId version) const;
  [[nodiscard]] std::vector<std::string> version_names() const;

 private:
  using JudgedRules = std::vector<JudgedRule>;
  /// The rules of `rules` beside those that were judged before; `others` read windows as well.
  void rebind(const std::vector<Rule>& rules, const Binding& binding, const JudgedRules& earlier,
              JudgedRules& into, const std::vector<const JudgedRules*>& others, Instant now);

  std::vector<Rule> default_before_;  // The one behind the rollout rules.

  static constexpr Duration kAbsentMin = std::chrono::seconds{5};
  struct Coming {
    Instant at{};
    Duration absent{};  // Before it.
  };
  struct SeenVersion {
    SeenVersion(NameId of, const TimeBuckets& now);
    NameId version = kNoName;
    Instant seen = Instant::min();
    std::vector<Coming> comings{};  // In order; after each it was absent for less long.
    CountWindow recent;             // Requests.
    CountWindow failed;             // Of them, and so on.
    CountWindow canceled;
    CountWindow turned_away;
    Instant invocation_failed = Instant::min();  // The newest that did.
    void come(Instant at);
    /// A late request.
    void come_earlier(Instant at);
  };
  /// What of the last ten minutes shows what was usual before the candidate came.
  struct UsualSpan {
    Duration behind{};  // Its end lies so long ago.
    Duration over{};    // So long it is.
  };
  [[nodiscard]] std::optional<UsualSpan> usual_span(NameId candidate, Instant now) const;
  CountWindow failed_;                 // Requests, of all versions.
  CountWindow misnamed_;               // Those of note_misnamed() that name a version,
  CountWindow misnamed_nameless_;      // and that name none.
  std::vector<SeenVersion> versions_;  // The first slot is for events without a version.
};

}  // namespace belay::rules
