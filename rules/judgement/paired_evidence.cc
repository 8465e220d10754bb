#include "rules/judgement/paired_evidence.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/judgement/window_store.h"

namespace belay::rules {
namespace {

constexpr Duration kQuantileOver = std::chrono::seconds{60};
/// The smaller part that comes later could all fail, and not be too many.
constexpr double kHardlyAllOf = 0.95;
/// As default/errors looks, in seconds.
constexpr std::int64_t kBadOver = 30;
constexpr std::uint64_t kBadOfMin = 20;

std::int64_t second_of(Instant at) {
  return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

double share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

double PairedEvidence::Sums::error_rate() const { return share(errors, total); }
double PairedEvidence::Sums::slow_rate() const { return share(slow, reported); }

PairedEvidence::PairedEvidence(NameId candidate, NameId baseline, Instant start,
                               const ComparisonSpec& of_default)
    : candidate_(candidate),
      baseline_(baseline),
      start_(start),
      step_began_(start),
      now_(second_of(start)),
      complete_(now_),
      all_complete_(now_),
      latencies_{QuantileWindow(kQuantileOver, start), QuantileWindow(kQuantileOver, start)},
      strays_(start),
      misnamed_({.asked = candidate, .other = baseline}, start),
      failures_since_(now_) {
  comparisons_.push_back(std::make_unique<CandidateComparison>(of_default, start));
}

std::uint32_t PairedEvidence::number_of(NameId route) {
  if (const auto known = number_of_route_.find(route); known != number_of_route_.end())
    return known->second;
  if (routes_.size() + 1 >= kRoutesMax && route != kOtherRoute) return number_of(kOtherRoute);
  const auto number = static_cast<std::uint32_t>(routes_.size());
  routes_.push_back(route);
  number_of_route_.emplace(route, number);
  return number;
}

std::optional<PairedEvidence::Place> PairedEvidence::place(const Call& call) {
  const bool is_candidate = call.version == candidate_;
  const bool is_request = call.invocation == Invocation::fetch;
  if (call.version == kNoName || (!is_candidate && call.version != baseline_)) return std::nullopt;
  return Place{.role = is_candidate ? Role::candidate : Role::baseline,
               .route = is_request ? number_of(call.route) : 0,
               .outcome = call.outcome,
               .is_error = call.is_error,
               .is_canceled = call.is_canceled,
               .is_request = is_request};
}

PairedEvidence::Sums* PairedEvidence::sums_of(std::int64_t second, Role role) {
  Second& of = seconds_[static_cast<std::size_t>(second) % kSeconds];
  if (of.at < second) of = Second{.at = second};
  return of.at == second ? &of.roles[static_cast<std::size_t>(role)] : nullptr;
}

void PairedEvidence::count(const Place& place, const Request& request) {
  RequestSecond::Bucket latency{};
  Many many{
      .second = second_of(request.at), .at = request.at, .count = 1, .status = request.status};
  if (request.latency_us) {
    latency = {.bucket = bucket_of(*request.latency_us), .count = 1};
    many.slow = *request.latency_us > slow_above_us_ ? 1 : 0;
    many.latencies = {&latency, 1};
  }
  count(place, many);
}

void PairedEvidence::count(const Place& place, const RequestSecond& second) {
  count(place, Many{.second = second_of(second.like.at),
                    .at = second.like.at,
                    .count = second.count,
                    .slow = count_above(second, slow_above_us_),
                    .status = second.like.status,
                    .latencies = second.latency});
}

void PairedEvidence::count(const Place& place, const Many& many) {
  const auto role = static_cast<std::size_t>(place.role);
  if (place.is_request) delays_[role].add(now_ - many.second, many.count, now_);
  if (many.at < start_) return;
  const std::uint32_t errors = place.is_error ? many.count : 0;
  Sums* sums = sums_of(many.second, place.role);
  if (!place.is_request) {
    if (sums == nullptr) return;
    sums->invocations += many.count;
    sums->failed_invocations += errors;
    return;
  }
  const PairedCalls calls{.second = many.second,
                          .route = place.route,
                          .role = place.role,
                          .count = many.count,
                          .errors = errors,
                          .latencies = many.latencies};
  for (const std::unique_ptr<CandidateComparison>& comparison : comparisons_)
    comparison->count(calls);

  mix_.count(many.second, place.route, place.role, many.count, errors);
  std::uint64_t reported = 0;
  const TimeBuckets now(Instant{std::chrono::seconds{now_}});
  const TimeBuckets at(many.at);
  for (const RequestSecond::Bucket& latency : many.latencies) {
    reported += latency.count;
    latencies_[role].add(now, at, latency.bucket, latency.count);
  }
  if (sums != nullptr) {
    sums->total += many.count;
    sums->errors += errors;
    sums->reported += reported;
    sums->slow += many.slow;
    if (place.is_canceled) sums->canceled += many.count;
    if (is_turned_away(many.status)) sums->turned_away += many.count;
  }
  in_step_[role].total += many.count;
  in_step_[role].bad += errors;
  if (place.role == Role::baseline) {
    baseline_since_candidate_ += many.count;
    return;
  }
  baseline_since_candidate_ = 0;
  reported_in_step_ += reported;
  last_candidate_ = std::max(last_candidate_.value_or(many.at), many.at);
  if (place.is_error) note_failure(place, many.status, many.count);
}

void PairedEvidence::refuse(NameId version, Instant at, Refusal why, std::uint64_t calls) {
  if (version != kNoName && version == candidate_ && at >= start_) refused_.add(why, calls);
}

void PairedEvidence::note_failure(const Place& place, std::uint16_t status, std::uint32_t count) {
  const auto same = [&](const Failure& failure) {
    return failure.outcome == place.outcome && failure.status == status;
  };
  auto found = std::find_if(failures_.begin(), failures_.end(), same);
  if (found == failures_.end()) {
    if (failures_.size() >= kFailuresMax) return;
    found = failures_.insert(found, Failure{.outcome = place.outcome, .status = status});
  }
  found->count += count;
}

void PairedEvidence::note(NameId version, const Thrown& thrown) {
  if (version == kNoName || version != candidate_ || thrown.at < start_) return;
  auto found =
      std::find_if(exceptions_.begin(), exceptions_.end(),
                   [&](const Exception& exception) { return exception.what == thrown.what; });
  if (found == exceptions_.end()) {
    if (exceptions_.size() >= kExceptionsMax) return;
    found = exceptions_.insert(found, Exception{.what = thrown.what});
  }
  ++found->count;
}

void PairedEvidence::advance(Instant now, Duration lag) {
  now_ = std::max(now_, second_of(now));
  for (ArrivalDelays& delays : delays_) delays.advance(now_);
  // One that has ended for good delays nothing. Where both are silent, it is their log.
  if (delays_[static_cast<std::size_t>(Role::candidate)].is_coming(now_))
    delays_[static_cast<std::size_t>(Role::baseline)].forget_if_over(now_);
  all_complete_ = lag > kLagMin ? second_of(now - lag) : now_;
  complete_ = find_complete();
  for (QuantileWindow& latencies : latencies_) latencies.advance(now);
  for (const std::unique_ptr<CandidateComparison>& comparison : comparisons_)
    comparison->advance(now);
  const std::int64_t since = comparison().blocks(Compared::errors).evidence_since();
  if (since == failures_since_) return;
  failures_since_ = since;
  failures_.clear();
  exceptions_.clear();
}

std::int64_t PairedEvidence::second_with(double share) const {
  std::int64_t delay = 0;
  for (const ArrivalDelays& delays : delays_) delay = std::max(delay, delays.quantile(share));
  if (delay >= ArrivalDelays::kDelayMax) return all_complete_;
  return std::chrono::seconds{delay} > kLagMin ? now_ - delay - 1 : now_;
}

Duration PairedEvidence::delay(Role role, double share) const {
  return std::chrono::seconds{delays_[static_cast<std::size_t>(role)].quantile(share)};
}

bool PairedEvidence::is_baseline_behind() const {
  return std::ranges::any_of(std::array{1 - kHardlyAllOf, 0.5}, [this](double share) {
    return delay(Role::baseline, share) > delay(Role::candidate, share) + kLagMin;
  });
}

bool PairedEvidence::is_late(Role role) const { return delay(role, kHardlyAllOf) > kLagMin; }

std::int64_t PairedEvidence::find_complete() const {
  const std::int64_t half = second_with(0.5);
  const std::int64_t nearly_all = second_with(kHardlyAllOf);
  const auto badness = [this](std::int64_t end) {
    const Sums sums = before(Instant{std::chrono::seconds{end}}, kBadOver, Role::candidate);
    if (sums.total < kBadOfMin) return std::pair{0.0, 0.0};
    return std::pair{sums.error_rate(), sums.slow_rate()};
  };
  return nearly_all < half && badness(nearly_all) > badness(half) ? nearly_all : half;
}

void PairedEvidence::begin_step(Instant at) {
  step_began_ = at;
  has_mixed_shares_ = false;
  for (const std::unique_ptr<CandidateComparison>& comparison : comparisons_)
    comparison->begin_step(at);
  before_step_ = since_start();
  in_step_ = {};
  reported_in_step_ = 0;
  baseline_since_candidate_ = 0;
  refused_.begin_step();
  strays_.begin_step(at);
}

PairCounts PairedEvidence::since_start() const {
  PairCounts sum = before_step_;
  for (std::size_t role = 0; role < kRoles; ++role) {
    sum.roles[role].bad += in_step_[role].bad;
    sum.roles[role].total += in_step_[role].total;
  }
  return sum;
}

CandidateComparison& PairedEvidence::comparison(const ComparisonSpec& spec) {
  for (const std::unique_ptr<CandidateComparison>& known : comparisons_)
    if (known->spec() == spec) return *known;
  return *comparisons_.emplace_back(std::make_unique<CandidateComparison>(
      spec, std::max(start_, Instant{std::chrono::seconds{now_}})));
}

PairedEvidence::Sums PairedEvidence::before(Instant end_at, std::int64_t seconds, Role role) const {
  const std::int64_t end = second_of(end_at);
  Sums sums;
  for (std::int64_t at = end - std::min(seconds, kSecondsMax); at < end; ++at) {
    const Second& second = seconds_[static_cast<std::size_t>(at) % kSeconds];
    if (second.at != at) continue;
    const Sums& one = second.roles[static_cast<std::size_t>(role)];
    sums.total += one.total;
    sums.errors += one.errors;
    sums.reported += one.reported;
    sums.slow += one.slow;
    sums.canceled += one.canceled;
    sums.turned_away += one.turned_away;
    sums.invocations += one.invocations;
    sums.failed_invocations += one.failed_invocations;
  }
  return sums;
}

std::optional<double> PairedEvidence::p95_us(Role role) const {
  return latencies_[static_cast<std::size_t>(role)].quantile(0.95);
}

}  // namespace belay::rules
