#include "rules/rollout/end_of_bake.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "rules/judgement/chance.h"

namespace belay::rules {
namespace {

using std::chrono::seconds;

/// So many to be expected and then none: by chance in one case of 20,000.
constexpr double kThenNoneByChance = 10;
/// Less than a tenth of what was to be expected, which chance leaves so rarely of half as many: a
/// split is lopsided or moves, and there are quiet moments.
constexpr double kOfExpectedMin = 0.1;
constexpr double kLopsided = 2;
constexpr double kByChance = 0.001;
/// So many missed in a silence that is longer than ever.
constexpr double kMissedMin = 40;
/// With a larger share a handful of the baseline's requests would stand for many.
constexpr double kShareMax = 0.8;
/// What shows a share: shorter, or of fewer, it is one busy user.
constexpr std::uint64_t kStretchRequests = 40;
constexpr Duration kStretch = seconds{10};
/// Logs are written and read in batches of a few seconds.
constexpr Duration kSilenceMin = seconds{5};
/// Fewer of before are lines that came late.
constexpr std::uint64_t kBatchMin = 3;
/// A rotation, or a tail that is connected again, is over by then.
constexpr Duration kPauseMax = seconds{15};
/// As much as a window in whole seconds holds: the fifth, and what the logs are behind.
constexpr Duration kWindow = std::chrono::minutes{5};
constexpr std::int64_t kLooksBack = 299;
constexpr std::int64_t kFifthMax = 120;

double share_of(std::uint64_t candidate, std::uint64_t baseline) {
  const std::uint64_t both = candidate + baseline;
  return both == 0 ? 0 : static_cast<double>(candidate) / static_cast<double>(both);
}

std::string whole(double count) { return std::to_string(static_cast<std::uint64_t>(count)); }

Gate::Verdict blind(std::string why) {
  return {.outcome = Outcome::unknown, .unknown = UnknownKind::blind, .why = std::move(why)};
}

}  // namespace

EndOfBake::EndOfBake(ServiceEvidence& evidence, Instant now)
    : evidence_(&evidence),
      paired_(evidence.paired.get()),
      of_baseline_(nullptr),
      stretch_since_(now),
      step_began_(now),
      arrived_(now) {
  WindowSpec spec;
  spec.over = kWindow;
  spec.version = VersionFilter{.all = false, .version = paired_->candidate()};
  of_candidate_ = evidence.windows.find_or_add(spec, now);
  if (paired_->baseline() == kNoName) return;
  spec.version.version = paired_->baseline();
  of_baseline_ = evidence.windows.find_or_add(std::move(spec), now);
}

EndOfBake::Counts EndOfBake::in_step() const {
  return {.candidate = earlier_.candidate + paired_->total_in_step(Role::candidate),
          .baseline = earlier_.baseline + paired_->total_in_step(Role::baseline)};
}

void EndOfBake::begin_step(Instant now) {
  earlier_ = {};
  is_one_share_ = true;
  is_half_missing_told_ = false;
  stretch_ = {};
  stretch_since_ = now;
  share_max_.reset();
  step_began_ = now;
  seen_ = 0;
  arrived_ = now;
  pauses_ = {};
  batches_ = {};
}

void EndOfBake::look(Instant now) {
  const Counts all = in_step();
  if (all.candidate > seen_) {
    const Duration pause = now - arrived_;
    if (missed_in(pause) >= kThenNoneByChance) keep(pauses_, pause);
    if (is_batch(pause, now)) keep(batches_, pause);
    arrived_ = now;
  }
  seen_ = all.candidate;
  const std::uint64_t candidate = all.candidate - stretch_.candidate;
  if (candidate < kStretchRequests || now - stretch_since_ < kStretch) return;
  const double share = share_of(candidate, all.baseline - stretch_.baseline);
  share_max_ = std::max(share_max_.value_or(share), share);
  stretch_ = all;
  stretch_since_ = now;
}

void EndOfBake::keep(Pauses& pauses, Duration pause) {
  pauses = {std::max(pauses[0], pause), std::clamp(pause, pauses[1], pauses[0])};
}

double EndOfBake::missed_beside() const {
  const Counts all = in_step();
  if (all.baseline == 0) return 0;
  return static_cast<double>(paired_->baseline_since_candidate()) *
         static_cast<double>(all.candidate) / static_cast<double>(all.baseline);
}

double EndOfBake::missed_in(Duration pause) const {
  const Duration before = std::max<Duration>(arrived_ - step_began_, seconds{1});
  return static_cast<double>(seen_) * belay::seconds(pause) / belay::seconds(before);
}

bool EndOfBake::is_batch(Duration pause, Instant now) const {
  const std::int64_t half = std::chrono::floor<seconds>(pause).count() / 2;
  if (half < 1 || 2 * half > kLooksBack) return false;
  return in_stretch(half, seconds{half}, now).candidate >= kBatchMin;
}

bool EndOfBake::is_between_batches(Instant now) const {
  // Where the baseline goes on in the log, it is no log that waits.
  return seen_ > 0 && now - arrived_ <= batches_[1] && missed_beside() < kThenNoneByChance;
}

seconds EndOfBake::behind(Instant now) const {
  const seconds lag = evidence_->lag_of(SourceKind::log, now);
  const std::optional<Instant> newest = paired_->last_candidate();
  if (!newest || !is_between_batches(now)) return lag;
  const auto second_of = [](Instant at) { return std::chrono::floor<seconds>(at); };
  return std::max(lag, second_of(now) - second_of(*newest) - seconds{1});
}

bool EndOfBake::may_pause(Instant now) const {
  const Duration silent = now - arrived_;
  return silent >= kSilenceMin && silent < kPauseMax && missed_in(silent) >= kThenNoneByChance;
}

EndOfBake::Counts EndOfBake::in_stretch(std::int64_t length_seconds, seconds behind,
                                        Instant now) const {
  const auto count = [&](Window* window) -> std::uint64_t {
    if (window == nullptr) return 0;
    window->advance(TimeBuckets(now));
    // The present second has hardly begun.
    return std::get<CountWindow>(window->ring).sum_of(seconds{length_seconds}, behind + seconds{1});
  };
  return {.candidate = count(of_candidate_), .baseline = count(of_baseline_)};
}

double EndOfBake::share(const Bake& bake, const Counts& fifth) const {
  const Counts all = in_step();
  double share = share_of(all.candidate - std::min(all.candidate, fifth.candidate),
                          all.baseline - std::min(all.baseline, fifth.baseline));
  share = std::max(share, share_max_.value_or(0));
  return std::min({share, bake.share.value_or(1), kShareMax});
}

double EndOfBake::by_its_own(const Bake& bake, std::uint64_t before, Duration over,
                             Duration length) const {
  if (over <= Duration::zero()) return 0;
  const double wanted = static_cast<double>(before) * belay::seconds(length) / belay::seconds(over);
  // Of a split that was changed, what came before it makes nothing be expected.
  return share_max_ && bake.share ? wanted * std::min(1.0, *bake.share / *share_max_) : wanted;
}

std::string EndOfBake::words_of_silence(Instant now) const {
  return "no request of the candidate was seen for " +
         format_duration(std::chrono::floor<seconds>(now - arrived_));
}

std::optional<Gate::Verdict> EndOfBake::doubt_of_silence(const Bake& bake, const Stretch& fifth,
                                                         Instant now) const {
  if (fifth.counts.candidate > 0 || is_between_batches(now)) return std::nullopt;
  const Counts all = in_step();
  const Duration length = seconds{fifth.length_seconds};
  const Duration before = bake.since_step - fifth.behind - length;
  if (before <= Duration::zero()) return std::nullopt;
  const double of_before = belay::seconds(length) / belay::seconds(before);
  const std::string last = " in the last " + format_duration(length);
  const bool is_none = fifth.counts.baseline == 0;
  if (is_none && of_before * static_cast<double>(all.candidate + all.baseline) >= kThenNoneByChance)
    return blind("no request of either version was seen" + last +
                 ": nobody knows how they are now");
  if (by_its_own(bake, all.candidate, before, length) >= kThenNoneByChance)
    return blind("no request of the candidate was seen" + last + ": nobody knows how it is now");
  const double part = share(bake, fifth.counts);
  const std::uint64_t beside = paired_->baseline_since_candidate();
  if (seen_ == 0 || static_cast<double>(beside) * part / (1 - part) < kThenNoneByChance)
    return std::nullopt;
  return blind(words_of_silence(now) + ", beside " + std::to_string(beside) +
               " of the baseline: nobody knows how it is now");
}

std::optional<Gate::Verdict> EndOfBake::doubt(const Bake& bake, Instant now) const {
  const auto baked = std::chrono::floor<seconds>(bake.baked);
  if (baked < seconds{5}) return std::nullopt;
  Stretch fifth{.behind = behind(now)};
  fifth.length_seconds =
      std::min({baked.count() / 5, kFifthMax, kLooksBack - fifth.behind.count()});
  const bool is_too_late =
      fifth.behind > seconds{0} && (bake.since_step - fifth.behind) * 2 < bake.baked;
  if (is_too_late || fifth.length_seconds < 1)
    return blind("the logs are " + format_duration(fifth.behind) +
                 " behind: too little of the last " + format_duration(baked) + " was seen");
  fifth.counts = in_stretch(fifth.length_seconds, fifth.behind, now);
  if (std::optional<Gate::Verdict> silent = doubt_of_silence(bake, fifth, now)) return silent;
  if (std::optional<Gate::Verdict> few = doubt_of_few(bake, fifth)) return few;
  const Duration silent = now - arrived_;
  if (silent >= kSilenceMin && missed_beside() >= kMissedMin)
    return blind(words_of_silence(now) + ", beside " +
                 std::to_string(paired_->baseline_since_candidate()) +
                 " of the baseline: nobody knows how it is now");
  const Duration often = std::max(pauses_[1], batches_[1]);
  if (silent < std::max(kSilenceMin, 2 * often)) return std::nullopt;
  const double missed = by_its_own(bake, seen_, bake.since_step - silent, silent);
  if (missed < kMissedMin) return std::nullopt;
  return blind(words_of_silence(now) + ", where about " + whole(missed) +
               " were to be expected: nobody knows how it is now");
}

std::optional<Gate::Verdict> EndOfBake::doubt_of_few(const Bake& bake, const Stretch& fifth) const {
  const auto is_few = [&](double wanted) {
    return static_cast<double>(fifth.counts.candidate) < kOfExpectedMin * wanted &&
           chance_of_at_most(fifth.counts.candidate, wanted / kLopsided) < kByChance;
  };
  const auto words = [&](double wanted) {
    return "only " + std::to_string(fifth.counts.candidate) + " of about " + whole(wanted) +
           " requests of the candidate came in the last " +
           format_duration(seconds{fifth.length_seconds});
  };
  const double part = share(bake, fifth.counts);
  const double beside = static_cast<double>(fifth.counts.baseline) * part / (1 - part);
  if (is_few(beside))
    return blind(words(beside) + ", beside " + std::to_string(fifth.counts.baseline) +
                 " of the baseline: nobody knows how it is now");
  const std::uint64_t all = in_step().candidate;
  const Duration length = seconds{fifth.length_seconds};
  const double own = by_its_own(bake, all - std::min(all, fifth.counts.candidate),
                                bake.since_step - fifth.behind - length, length);
  if (is_few(own)) return blind(words(own) + ": nobody knows how it is now");
  return std::nullopt;
}

std::string EndOfBake::take_half_missing(std::optional<double> share) {
  if (!is_one_share_ || is_half_missing_told_) return {};
  const Counts all = in_step();
  const std::uint64_t both = all.candidate + all.baseline;
  const double wanted = share.value_or(0) * static_cast<double>(both);
  if (wanted < kMissedMin || static_cast<double>(all.candidate) >= wanted / kLopsided) return {};
  is_half_missing_told_ = true;
  return "only " + std::to_string(all.candidate) + " of " + std::to_string(both) +
         " requests in this step name it, and about " + whole(wanted) +
         " were to be expected: if the traffic is not split by users, what is missing may have "
         "failed in no log";
}

void EndOfBake::keep(WindowStore& windows) const {
  windows.keep(of_candidate_);
  if (of_baseline_ != nullptr) windows.keep(of_baseline_);
}

}  // namespace belay::rules
