#include "rules/judgement/source_record.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace belay::rules {
namespace {

constexpr NameId kUndefined = 0xfffffffe;
constexpr std::uint32_t kTextsMax = 1U << 20;
constexpr Duration kLagMax = std::chrono::seconds{30};
constexpr std::size_t kLossReasonsMax = 32;
/// What is slow comes late, where a time is not that of the end: of the requests of a candidate
/// with a tenth of the traffic this hides one in ten.
constexpr std::uint32_t kRequestsForOneLate = 100;

}  // namespace

const char* name_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return "none";
    case Refusal::late:
      return "late";
    case Refusal::duplicate:
      return "duplicate";
    case Refusal::from_the_future:
      return "from_the_future";
    case Refusal::unknown_service:
      return "unknown_service";
    case Refusal::too_many_services:
      return "too_many_services";
    case Refusal::too_many_queues:
      return "too_many_queues";
    case Refusal::undefined_text:
      return "undefined_text";
    case Refusal::not_a_number:
      return "not_a_number";
    case Refusal::inconsistent:
      return "inconsistent";
  }
  return "none";
}

SourceRecord::SourceRecord(SourcePlan plan, Instant start)
    : plan_(std::move(plan)),
      start_(start),
      coverage_(silence_max()),
      received_minute_(std::chrono::minutes{1}, TimeBuckets(start)),
      from_the_future_minute_(std::chrono::minutes{1}, TimeBuckets(start)),
      late_minute_(std::chrono::minutes{1}, TimeBuckets(start)) {}

bool SourceRecord::define(TextId id, NameId name) {
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= kTextsMax) return false;  // Its users are refused as undefined.
  if (index >= names_.size()) names_.resize(index + 1, kUndefined);
  const NameId before = std::exchange(names_[index], name);
  return before != kUndefined && before != name;
}

std::optional<NameId> SourceRecord::name(TextId id) const {
  if (id == kNoText) return kNoName;
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= names_.size() || names_[index] == kUndefined) return std::nullopt;
  return names_[index];
}

Refusal SourceRecord::admit(Instant at, Instant earliest, Instant now, bool is_any_lateness) const {
  if (at > now + kFutureMax) return Refusal::from_the_future;
  if (!is_any_lateness && at < earliest - plan_.lateness) return Refusal::late;
  return Refusal::none;
}

void SourceRecord::say(const SourceState& state, Instant now) {
  if (state.health != SourceHealth::sampled) {
    sampled_since_.reset();
  } else if (!sampled_since_) {
    sampled_since_ = now;
  }
  said_ = state.health;
  detail_ = state.detail;
  has_spoken_ = true;
  if (state.health != SourceHealth::alive) coverage_.interrupt(now);
}

void SourceRecord::progress(const SourceProgress& progress) {
  progress_ = progress;
  has_spoken_ = true;
}

void SourceRecord::lose(const SourceGap& gap) {
  coverage_.gap(gap.at - gap.span, gap.at);
  std::string reason = gap.reason;
  if (lost_.size() >= kLossReasonsMax && !lost_.contains(reason)) reason = "other";
  lost_[reason] += std::max<std::uint64_t>(gap.lost, 1);
}

void SourceRecord::settle(Instant now) {
  const std::uint64_t from_the_future =
      refused_total(Refusal::from_the_future) - from_the_future_before_;
  if (received_now_ > 0) {
    const TimeBuckets moment(now);
    received_minute_.add(moment, moment, static_cast<std::uint32_t>(received_now_));
    from_the_future_minute_.add(moment, moment, static_cast<std::uint32_t>(from_the_future));
    late_minute_.add(moment, moment,
                     static_cast<std::uint32_t>(refused_total(Refusal::late) - late_before_));
    last_evidence_ = now;
    if (from_the_future > 0) ahead_ = newest_refused_ - now;
    if (newest_ != Instant::min()) lag_ = std::max(now - newest_, Duration::zero());
    has_spoken_ = true;
  }
  if (has_spoken_) {
    last_heard_ = now;
    if (!said_ || said_ == SourceHealth::alive) coverage_.sign(now);
  }
  from_the_future_before_ += from_the_future;
  newest_refused_ = Instant::min();
  late_before_ = refused_total(Refusal::late);
  received_now_ = 0;
  has_spoken_ = false;
  received_minute_.advance(TimeBuckets(now));
  from_the_future_minute_.advance(TimeBuckets(now));
  late_minute_.advance(TimeBuckets(now));
}

bool SourceRecord::is_blind(Instant now) const {
  return !last_heard_ || said_ == SourceHealth::down || now - *last_heard_ > silence_max();
}

bool SourceRecord::is_clock_wrong() const {
  return from_the_future_minute_.sum() * 10 > received_minute_.sum();
}

/// What comes too late is not counted: where it is many, no window is whole.
bool SourceRecord::is_much_late() const {
  return late_minute_.sum() * kRequestsForOneLate > received_minute_.sum();
}

std::string SourceRecord::clock_trouble() const {
  if (!is_clock_wrong()) return {};
  return "its events are ahead of this machine's clock by " +
         format_duration(std::chrono::round<std::chrono::seconds>(ahead_)) +
         ": the clock was set, or theirs is wrong";
}

std::optional<UnknownKind> SourceRecord::trouble(Instant now) const {
  if (said_ == SourceHealth::refused || is_clock_wrong()) return UnknownKind::error;
  if (is_blind(now)) return UnknownKind::blind;
  if (said_ == SourceHealth::sampled) return UnknownKind::sampled;
  if (is_much_late()) return UnknownKind::lagging;
  // One that has given nothing for longer than it lagged is quiet, not behind.
  if (lag_ && *lag_ > std::max(kLagMax, plan_.lateness) && now - *last_evidence_ <= *lag_)
    return UnknownKind::lagging;
  return std::nullopt;
}

std::string SourceRecord::words_of_trouble(Instant now) const {
  const std::optional<UnknownKind> kind = trouble(now);
  if (!kind) return {};
  if (is_clock_wrong()) return ": " + clock_trouble();
  const std::string detail = detail_.empty() ? "" : ": " + detail_;
  const auto whole = [](Duration time) {
    return format_duration(std::chrono::floor<std::chrono::seconds>(time));
  };
  if (said_ == SourceHealth::refused) return " is refused" + detail;
  if (*kind == UnknownKind::sampled) return " gives only some of its events" + detail;
  if (*kind == UnknownKind::blind) {
    if (said_ == SourceHealth::down) return " is down" + detail;
    return last_heard_ ? " has been silent for " + whole(now - *last_heard_) + detail
                       : " has given nothing yet";
  }
  if (is_much_late())
    return ": " + std::to_string(late_minute_.sum()) + " of " +
           std::to_string(received_minute_.sum()) + " events of the last minute came more than " +
           format_duration(plan_.lateness) + " late, and are not counted (`lateness`)";
  return " is " + whole(*lag_) + " behind";
}

Duration SourceRecord::lag(Instant now) const {
  const bool is_quiet = !lag_ || now - last_evidence() > *lag_;
  return is_quiet ? Duration::zero() : *lag_;
}

double SourceRecord::covered(Instant now, Duration over, Instant since) const {
  if (over <= Duration::zero()) return 1;
  if (since <= now - over) return coverage_.share(now, over);
  if (since >= now) return 0;
  return coverage_.share(now, now - since) * seconds(now - since) / seconds(over);
}

bool SourceRecord::is_warming(Instant now, Duration over, Instant since) const {
  return since > now - over || coverage_.warming(now, over);
}

SourceStatus SourceRecord::status(Instant now) const {
  SourceStatus status;
  status.name = plan_.name;
  status.service = plan_.service;
  status.kind = plan_.kind;
  status.health = said_.value_or(last_heard_ ? SourceHealth::alive : SourceHealth::down);
  status.blind = is_blind(now);
  status.detail = detail_;
  // It gives evidence, all of it or a part: of this one nothing counts.
  const bool gives_evidence =
      status.health == SourceHealth::alive || status.health == SourceHealth::sampled;
  if (gives_evidence && is_clock_wrong()) {
    status.health = SourceHealth::refused;
    status.detail = clock_trouble();
  }
  status.last_event = last_evidence_;
  status.lag = lag_;
  status.events_total = received_;
  status.documents_total = progress_.documents;
  for (const SourceProgress::Rejected& rejected : progress_.rejected)
    status.rejected_total[rejected.reason] += rejected.count;
  std::uint64_t refused = 0;
  for (std::size_t i = 1; i < kRefusals; ++i) {
    if (refused_[i] == 0) continue;
    status.rejected_total[name_of(static_cast<Refusal>(i))] += refused_[i];
    refused += refused_[i];
  }
  // What the engine refused was not used, whatever the parser thought.
  status.used_total = progress_.used - std::min(progress_.used, refused);
  status.lost_total = lost_;
  return status;
}

}  // namespace belay::rules
