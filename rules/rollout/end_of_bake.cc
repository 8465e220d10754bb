#include "rules/rollout/end_of_bake.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace belay::rules {
namespace {

using std::chrono::seconds;

/// So many requests and then none for a fifth of the time: by chance in one case of 20,000.
constexpr std::uint64_t kThenNoneByChance = 40;
/// So many to be expected and then less than a tenth of them: as rare, and ten times as many as
/// come leave room for a split that is lopsided or moves.
constexpr double kExpectedMin = 40;
constexpr double kOfExpectedMin = 0.1;
/// With a larger share a handful of the baseline's requests would stand for many.
constexpr double kShareMax = 0.8;
/// What shows a share: shorter, or of fewer, it is one busy user.
constexpr std::uint64_t kStretchRequests = 40;
constexpr Duration kStretch = seconds{10};
/// As much as a window in whole seconds holds: the fifth, and what the logs are behind.
constexpr Duration kWindow = std::chrono::minutes{5};
constexpr std::int64_t kLooksBack = 299;
constexpr std::int64_t kFifthMax = 120;

double share_of(std::uint64_t candidate, std::uint64_t baseline) {
  const std::uint64_t both = candidate + baseline;
  return both == 0 ? 0 : static_cast<double>(candidate) / static_cast<double>(both);
}

Gate::Verdict blind(std::string why) {
  return {.outcome = Outcome::unknown, .unknown = UnknownKind::blind, .why = std::move(why)};
}

}  // namespace

EndOfBake::EndOfBake(ServiceEvidence& evidence, Instant now)
    : evidence_(&evidence),
      paired_(evidence.paired.get()),
      of_baseline_(nullptr),
      stretch_since_(now) {
  WindowSpec spec;
  spec.over = kWindow;
  spec.version = VersionFilter{.all = false, .version = paired_->candidate()};
  of_candidate_ = evidence.windows.find_or_add(spec, now);
  if (paired_->baseline() == kNoName) return;
  spec.version.version = paired_->baseline();
  of_baseline_ = evidence.windows.find_or_add(std::move(spec), now);
}

EndOfBake::Counts EndOfBake::in_step() const {
  return {.candidate = paired_->total_in_step(Role::candidate),
          .baseline = paired_->total_in_step(Role::baseline)};
}

void EndOfBake::look(Instant now) {
  const Counts all = in_step();
  if (all.candidate < seen_.candidate || all.baseline < seen_.baseline) {
    share_max_.reset();
    stretch_ = {};
    stretch_since_ = now;
  }
  seen_ = all;
  const std::uint64_t candidate = all.candidate - stretch_.candidate;
  if (candidate < kStretchRequests || now - stretch_since_ < kStretch) return;
  const double share = share_of(candidate, all.baseline - stretch_.baseline);
  share_max_ = std::max(share_max_.value_or(share), share);
  stretch_ = all;
  stretch_since_ = now;
}

EndOfBake::Counts EndOfBake::in_fifth(std::int64_t length_seconds, seconds lag, Instant now) const {
  const auto count = [&](Window* window) -> std::uint64_t {
    if (window == nullptr) return 0;
    window->advance(TimeBuckets(now));
    // The present second has hardly begun.
    return std::get<CountWindow>(window->ring).sum_of(seconds{length_seconds}, lag + seconds{1});
  };
  return {.candidate = count(of_candidate_), .baseline = count(of_baseline_)};
}

double EndOfBake::expected(const Bake& bake, const Counts& fifth) const {
  const Counts all = in_step();
  double share = share_of(all.candidate - std::min(all.candidate, fifth.candidate),
                          all.baseline - std::min(all.baseline, fifth.baseline));
  share = std::max(share, share_max_.value_or(0));
  share = std::min({share, bake.share.value_or(1), kShareMax});
  return static_cast<double>(fifth.baseline) * share / (1 - share);
}

std::optional<Gate::Verdict> EndOfBake::doubt(const Bake& bake, Instant now) const {
  const auto baked = std::chrono::floor<seconds>(bake.baked);
  if (baked < seconds{5}) return std::nullopt;
  const seconds lag = evidence_->lag_of(SourceKind::log, now);
  const std::int64_t length = std::min({baked.count() / 5, kFifthMax, kLooksBack - lag.count()});
  const bool is_too_late = lag > seconds{0} && (bake.since_step - lag) * 2 < bake.baked;
  if (is_too_late || length < 1)
    return blind("the logs are " + format_duration(lag) + " behind: too little of the last " +
                 format_duration(baked) + " was seen");
  const Counts fifth = in_fifth(length, lag, now);
  const Counts all = in_step();
  const std::string where = " in the last fifth of " + format_duration(baked);
  if (fifth.candidate == 0) {
    const bool has_none = fifth.baseline == 0;
    if (has_none && all.candidate + all.baseline >= kThenNoneByChance)
      return blind("no request of either version was seen" + where +
                   ": nobody knows how they are now");
    if (all.candidate >= kThenNoneByChance)
      return blind("no request of the candidate was seen" + where + ": nobody knows how it is now");
  }
  const double wanted = expected(bake, fifth);
  if (wanted < kExpectedMin || static_cast<double>(fifth.candidate) >= kOfExpectedMin * wanted)
    return std::nullopt;
  return blind("only " + std::to_string(fifth.candidate) + " of about " +
               std::to_string(static_cast<std::uint64_t>(wanted)) +
               " requests of the candidate came" + where + ", beside " +
               std::to_string(fifth.baseline) + " of the baseline: nobody knows how it is now");
}

void EndOfBake::keep(WindowStore& windows) const {
  windows.keep(of_candidate_);
  if (of_baseline_ != nullptr) windows.keep(of_baseline_);
}

}  // namespace belay::rules
