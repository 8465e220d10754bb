#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/arrival_delays.h"
#include "rules/judgement/candidate_comparison.h"
#include "rules/judgement/evidence_blocks.h"
#include "rules/judgement/misnamed_requests.h"
#include "rules/judgement/refused_requests.h"
#include "rules/judgement/route_mix.h"
#include "rules/judgement/selector.h"
#include "rules/judgement/stray_failures.h"
#include "rules/windows/quantile_window.h"
#include "rules/windows/series_store.h"

namespace belay::rules {

/// The requests of a rollout's candidate and baseline, side by side in event time, from the
/// rollout's start on: what every comparison of one rollout is fed from. A request, and a second of
/// requests that was counted elsewhere, give the same.
class PairedEvidence {
 public:
  /// `start` is a whole second. The baseline is kNoName when there is none. `of_default`: the
  /// default judgement's comparison.
  PairedEvidence(NameId candidate, NameId baseline, Instant start,
                 const ComparisonSpec& of_default = {});
  PairedEvidence(const PairedEvidence&) = delete;
  PairedEvidence& operator=(const PairedEvidence&) = delete;

  [[nodiscard]] NameId candidate() const { return candidate_; }
  [[nodiscard]] NameId baseline() const { return baseline_; }
  [[nodiscard]] Instant start() const { return start_; }
  [[nodiscard]] Instant step_began() const { return step_began_; }
  /// The candidate has another share of the traffic by now, and the step is counted on.
  void mix_shares() { has_mixed_shares_ = true; }
  [[nodiscard]] bool has_mixed_shares() const { return has_mixed_shares_; }

  /// Where calls of one kind count. Good as long as this lives.
  struct Place {
    Role role = Role::candidate;
    std::uint32_t route = 0;
    NameId outcome = kNoName;
    bool is_error = false;
    bool is_canceled = false;
    bool is_request = true;  ///< Else another invocation, which only Sums knows.
  };
  /// Nothing for a version that is neither. Routes over the cap share one number.
  std::optional<Place> place(const Call& call);
  void count(const Place& place, const Request& request);
  void count(const Place& place, const RequestSecond& second);
  /// Of requests that were not counted, for the candidate's.
  void refuse(NameId version, Instant at, Refusal why, std::uint64_t calls);

  /// Of requests that have no place here.
  void stray(Instant at, bool is_named, std::uint64_t requests, bool are_failing) {
    strays_.add(at, is_named, requests, are_failing);
  }

  /// At a whole second, before anything is judged at it. What came before `now` is complete, but
  /// for late events. Where half of a version's requests come later than events usually do
  /// (kLagMin), last() ends as long ago; if a smaller part of them does, but not hardly any, it
  /// ends where the candidate is worse. `lag`: how far the logs are behind, the most of it.
  void advance(Instant now, Duration lag = Duration::zero());
  static constexpr Duration kLagMin = std::chrono::seconds{5};
  /// The candidate takes another share of the traffic from `at` on.
  void begin_step(Instant at);

  /// The comparison of a sentence; made if need be, and fed from then on.
  CandidateComparison& comparison(const ComparisonSpec& spec);
  /// That of the default judgement. Always there.
  [[nodiscard]] const CandidateComparison& comparison() const { return *comparisons_.front(); }

  /// Where last() ends.
  [[nodiscard]] Instant complete() const { return Instant{std::chrono::seconds{complete_}}; }
  /// Whether the baseline's requests come later than the candidate's, the first of each beside the
  /// first of the other's (enough to convict the candidate), or half of them beside half: what the
  /// baseline did meanwhile, nobody knows yet. Two logs that come in the same batches are alike.
  [[nodiscard]] bool is_baseline_behind() const;
  /// Whether more than hardly any of its requests come later than events usually do.
  [[nodiscard]] bool is_late(Role role) const;
  /// 3xx or 4xx, but for 304.
  static bool is_turned_away(std::uint16_t status) {
    return status >= 300 && status < 500 && status != 304;
  }
  /// Of one version within the last seconds.
  struct Sums {
    std::uint64_t total = 0;
    std::uint64_t errors = 0;
    std::uint64_t reported = 0;  ///< With a latency.
    std::uint64_t slow = 0;      ///< Of those, above the limit of slow_above().
    std::uint64_t canceled = 0;
    std::uint64_t turned_away = 0;  ///< As is_turned_away() says.
    std::uint64_t invocations = 0;  ///< Those that are no requests.
    std::uint64_t failed_invocations = 0;
    [[nodiscard]] double error_rate() const;
    [[nodiscard]] double slow_rate() const;  ///< Of those reported.
  };
  static constexpr std::int64_t kSecondsMax = 120;
  /// The whole seconds [now - seconds, now) of the last advance(), less its lag.
  [[nodiscard]] Sums last(std::int64_t seconds, Role role) const {
    return before(complete(), seconds, role);
  }
  /// Those that end with another one.
  [[nodiscard]] Sums before(Instant end, std::int64_t seconds, Role role) const;
  /// Of the last advance().
  [[nodiscard]] Instant now() const { return Instant{std::chrono::seconds{now_}}; }
  /// As of when every log is complete that has come: the latest one may be another's.
  [[nodiscard]] Instant all_complete() const {
    return Instant{std::chrono::seconds{all_complete_}};
  }
  /// RouteMix::baseline_as_candidate() of last() of the candidate, and of the baseline.
  [[nodiscard]] double baseline_as_candidate(std::int64_t seconds, std::int64_t of_baseline) const {
    return mix_.baseline_as_candidate(
        {.candidate = seconds, .baseline = of_baseline, .end = complete_});
  }
  /// The 95th percentile over the last 60 s, in microseconds. Nothing without latencies.
  [[nodiscard]] std::optional<double> p95_us(Role role) const;
  /// What counts in Sums::slow from now on.
  void slow_above(std::uint32_t limit_us) { slow_above_us_ = limit_us; }

  [[nodiscard]] std::uint64_t total_in_step(Role role) const {
    return in_step_[static_cast<std::size_t>(role)].total;
  }
  [[nodiscard]] std::uint64_t errors_in_step(Role role) const {
    return in_step_[static_cast<std::size_t>(role)].bad;
  }
  /// The candidate's that told how long they took.
  [[nodiscard]] std::uint64_t reported_in_step() const { return reported_in_step_; }
  /// What of the candidate came, and does not count.
  [[nodiscard]] const RefusedRequests& refused() const { return refused_; }
  [[nodiscard]] const StrayFailures& strays() const { return strays_; }
  StrayFailures& strays() { return strays_; }
  /// The candidate's in this step.
  [[nodiscard]] const MisnamedRequests& misnamed() const { return misnamed_; }
  MisnamedRequests& misnamed() { return misnamed_; }
  /// Errors among all of both versions since the start.
  [[nodiscard]] PairCounts since_start() const;
  /// The newest request of the candidate (its event time).
  [[nodiscard]] std::optional<Instant> last_candidate() const { return last_candidate_; }
  /// Requests of the baseline since the candidate's newest.
  [[nodiscard]] std::uint64_t baseline_since_candidate() const { return baseline_since_candidate_; }

  /// Why the candidate's requests failed, since the comparison's evidence window began.
  struct Failure {
    NameId outcome = kNoName;  ///< kNoName: "ok", so the status made it an error.
    std::uint16_t status = 0;
    std::uint64_t count = 0;
  };
  [[nodiscard]] const std::vector<Failure>& failures() const { return failures_; }
  /// What the candidate's requests threw, as failures(). Kept for people; the first few texts only.
  struct Exception {
    std::string what;
    std::uint64_t count = 0;
  };
  void note(NameId version, const Thrown& thrown);
  [[nodiscard]] const std::vector<Exception>& exceptions() const { return exceptions_; }
  /// kOtherRoute for those over the cap.
  [[nodiscard]] NameId route_name(std::uint32_t route) const { return routes_[route]; }

 private:
  struct Second {
    std::int64_t at = -1;
    std::array<Sums, kRoles> roles{};
  };
  struct Many {
    std::int64_t second = 0;
    Instant at{};
    std::uint32_t count = 0;
    std::uint32_t slow = 0;
    std::uint16_t status = 0;
    std::span<const RequestSecond::Bucket> latencies;
  };
  void count(const Place& place, const Many& many);
  void note_failure(const Place& place, std::uint16_t status, std::uint32_t count);
  /// Nothing for a second that was forgotten already.
  Sums* sums_of(std::int64_t second, Role role);
  std::uint32_t number_of(NameId route);
  /// The second before which so large a share of each version has come.
  [[nodiscard]] std::int64_t second_with(double share) const;
  /// After which so large a share of its requests have been told.
  [[nodiscard]] Duration delay(Role role, double share) const;
  /// As of which second last() looks back.
  [[nodiscard]] std::int64_t find_complete() const;

  static constexpr std::size_t kRoutesMax = 200;
  static constexpr std::size_t kFailuresMax = 32;
  static constexpr std::size_t kExceptionsMax = 32;
  /// A power of two, with room for what is ahead, and behind by the lateness of Logpush.
  static constexpr std::size_t kSeconds = 512;

  NameId candidate_;
  NameId baseline_;
  Instant start_;
  Instant step_began_;
  bool has_mixed_shares_ = false;
  std::int64_t now_;
  std::int64_t complete_;
  std::int64_t all_complete_;
  std::array<ArrivalDelays, kRoles> delays_;
  std::uint32_t slow_above_us_ = 250'000;
  std::vector<std::unique_ptr<CandidateComparison>> comparisons_;
  std::vector<NameId> routes_;
  std::unordered_map<NameId, std::uint32_t> number_of_route_;
  std::array<Second, kSeconds> seconds_{};
  RouteMix mix_;
  std::array<QuantileWindow, kRoles> latencies_;
  std::array<PairCounts::Of, kRoles> in_step_{};
  std::uint64_t reported_in_step_ = 0;
  PairCounts before_step_;
  std::optional<Instant> last_candidate_;
  std::uint64_t baseline_since_candidate_ = 0;
  RefusedRequests refused_;
  StrayFailures strays_;
  MisnamedRequests misnamed_;
  std::vector<Failure> failures_;
  std::vector<Exception> exceptions_;
  std::int64_t failures_since_ = 0;
};

}  // namespace belay::rules
