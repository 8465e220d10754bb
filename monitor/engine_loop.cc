#include "monitor/engine_loop.h"

#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kStepAtLeastEvery = 250ms;
constexpr auto kStepAtMostEvery = 1ms;
constexpr auto kPublishEvery = 1s;
constexpr auto kComesRoundWithin = 5s;
/// A disk that has room now and none then pages no more often.
constexpr auto kFullIsPagedEvery = 1h;
constexpr auto kWriteAgainAfter = 1s;
/// Waiting for room: some 50 MB.
constexpr std::size_t kUnrecordedMax = 50'000;

/// What the next start would not know is not shown as passed: it would be judged once more, and
/// could be rolled back after people went on.
void withhold_pass(rules::RolloutStatus& rollout, Instant recorded_until) {
  if (rollout.verdict != rules::Outcome::pass || !rollout.ended) return;
  if (*rollout.ended <= recorded_until) return;
  rollout.state = rules::RolloutState::inconclusive;
  rollout.verdict = rules::Outcome::unknown;
  rollout.unknown = rules::UnknownKind::error;
  rollout.why = "the journal cannot be written, and a restart would not know of it: " + rollout.why;
}

std::int64_t steady_ns() { return SteadyClock::now().time_since_epoch().count(); }

}  // namespace

EngineLoop::EngineLoop(rules::Engine engine, Parts parts)
    : engine_(std::move(engine)),
      parts_(std::move(parts)),
      progress_ns_(steady_ns()),
      has_failed_(parts_.journal == nullptr),
      degraded_(has_failed_) {
  note_trouble();
}

void EngineLoop::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto began = SteadyClock::now();
    const std::vector<rules::Event> events = parts_.inbox.drain(kStepAtLeastEvery);
    step(events, false);
    do_asked();
    if (parts_.lookup != nullptr) parts_.lookup->serve(parts_.journal);
    progress_ns_ = steady_ns();
    // What comes meanwhile is taken in one step; a flood must not make a step of each event.
    std::this_thread::sleep_until(began + kStepAtMostEvery);
  }
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  step(parts_.inbox.drain(0ms, kAll), true);
  publish(true);
}

Status EngineLoop::between_steps(Work work) {
  Asked asked{.work = std::move(work), .done = {}};
  std::future<Status> done = asked.done.get_future();
  asked_ = &asked;
  const bool is_done = done.wait_for(kComesRoundWithin) == std::future_status::ready;
  if (!is_done && asked_.exchange(nullptr) != nullptr) {
    return Error{Error::Kind::timeout, "the engine does not answer"};
  }
  return done.get();
}

void EngineLoop::do_asked() {
  Asked* const asked = asked_.exchange(nullptr);
  if (asked != nullptr) asked->done.set_value(asked->work(engine_));
}

void EngineLoop::step(const std::vector<rules::Event>& events, bool is_last) {
  const Instant now = parts_.clock.now();
  rules::Step made = engine_.step(now, events);
  record_and_hand_on(made, is_last);
  if (!degraded_) recorded_until_ = now;
  // Recorded or not: to leave something undone is always right.
  if (parts_.recall) {
    for (rules::Recall& recall : made.recalls) parts_.recall(std::move(recall));
  }
  if (parts_.ask && !is_last) {
    for (rules::PreflightAsked& asked : made.preflight) parts_.ask(std::move(asked));
  }
  for (rules::Notice& notice : made.notices) {
    if (degraded_ && notice.kind == rules::Notice::Kind::rollout_ended) {
      notice.page = true;
      notice.headline = "not recorded, not to be relied on: " + notice.headline;
    }
    for (exporters::Sink* sink : parts_.sinks) sink->notify(notice);
  }
  // Whoever asked for a change waits to see it.
  publish(!made.notices.empty() || !made.journal.empty());
}

void EngineLoop::record_and_hand_on(rules::Step& made, bool is_last) {
  if (!made.journal.empty() && !has_failed_) {
    record(made.journal);
    note_trouble();
  }
  if (is_last && !unrecorded_.empty()) write_unrecorded();
  if (made.orders.empty()) return;
  if (degraded_) {
    return refuse(made.orders, "the journal cannot be written, and nothing is done unrecorded");
  }
  if (is_last) return;
  for (rules::Order& order : made.orders) parts_.submit(std::move(order));
}

void EngineLoop::record(const std::vector<rules::JournalEntry>& entries) {
  const bool is_waiting = !unrecorded_.empty();
  unrecorded_.insert(unrecorded_.end(), entries.begin(), entries.end());
  if (!is_waiting) write_unrecorded();
  if (unrecorded_.size() > kUnrecordedMax)
    tell_trouble("the disk has been full for too long: more than " +
                 std::to_string(kUnrecordedMax) + " records wait for room");
}

/// In their order, all or none: what the engine holds is what the next start will know, or nothing
/// is acted upon.
void EngineLoop::write_unrecorded() {
  const Status recorded = parts_.journal->append(unrecorded_);
  if (!recorded && recorded.error().kind != Error::Kind::unavailable)
    return tell_trouble(recorded.error().message);
  const bool was_degraded = degraded_.exchange(!recorded);
  is_all_clear_due_ = is_all_clear_due_ || !recorded;
  if (!recorded) {
    write_again_at_ = parts_.clock.now() + kWriteAgainAfter;
    if (was_degraded) return;
    spdlog::critical("the journal has no room: {}", recorded.error().message);
    return tell(is_full_paged_now(),
                "Belay has no room for its journal, and acts on nothing until there is",
                sanitize(recorded.error().message));
  }
  unrecorded_.clear();
}

void EngineLoop::refuse(const std::vector<rules::Order>& orders, const std::string& why) {
  for (const rules::Order& order : orders) {
    parts_.inbox.deliver(rules::ActionOutcome{.at = parts_.clock.now(),
                                              .intent = order.intent,
                                              .phase = rules::ActionOutcome::Phase::rejected,
                                              .detail = why});
  }
}

void EngineLoop::tell_trouble(const std::string& why) {
  has_failed_ = true;
  degraded_ = true;
  unrecorded_ = {};
  spdlog::critical("the journal is of no use: {}", why);
  tell(true, "Belay cannot use its journal, and acts on nothing until it is restarted",
       sanitize(why));
}

void EngineLoop::tell(bool is_page, std::string headline, std::string why) {
  const rules::Notice notice{.kind = rules::Notice::Kind::not_acted,
                             .page = is_page,
                             .at = parts_.clock.now(),
                             .headline = std::move(headline),
                             .details = {std::move(why)}};
  for (exporters::Sink* sink : parts_.sinks) sink->notify(notice);
}

bool EngineLoop::is_full_paged_now() {
  const Instant now = parts_.clock.now();
  if (full_paged_at_ && now - *full_paged_at_ < kFullIsPagedEvery) return false;
  full_paged_at_ = now;
  return true;
}

void EngineLoop::note_trouble() {
  std::string trouble;
  if (degraded_) {
    trouble = "the journal cannot be written: nothing is acted upon";
  } else if (const auto found = parts_.journal->trouble()) {
    trouble = sanitize(*found);
    if (is_full_paged_now()) {
      // What this very batch has recorded goes on: its outcome has the room of the reserve.
      tell(true, "Belay begins no further action: there is no room to record what becomes of it",
           trouble);
    }
  }
  if (trouble.empty() && std::exchange(is_all_clear_due_, false))
    tell(false, "Belay has room for its journal again, and acts",
         "what waited for it has been recorded");
  is_troubled_ = !trouble.empty();
  journal_trouble_.set(std::make_shared<const std::string>(std::move(trouble)));
}

/// Who has nothing to record must not be the last to know that nothing can be.
void EngineLoop::look_after_journal() {
  if (has_failed_) return;
  const Status usable = parts_.journal->usable();
  if (!usable) tell_trouble(usable.error().message);
  if (usable && degraded_ && parts_.clock.now() >= write_again_at_) write_unrecorded();
  if (!usable || is_troubled_) note_trouble();
}

std::string EngineLoop::journal_trouble() const { return *journal_trouble_.get(); }

void EngineLoop::publish(bool now) {
  const Instant time = parts_.clock.now();
  if (!now && published_at_ && time - *published_at_ < kPublishEvery) return;
  published_at_ = time;
  look_after_journal();
  rules::Snapshot snapshot = engine_.snapshot();
  if (degraded_) {
    for (rules::ServiceStatus& service : snapshot.services) {
      if (service.rollout) withhold_pass(*service.rollout, recorded_until_);
      for (rules::RolloutStatus& past : service.past) withhold_pass(past, recorded_until_);
    }
  }
  for (exporters::Sink* sink : parts_.sinks) sink->publish(snapshot);
}

std::chrono::nanoseconds EngineLoop::since_progress() const {
  return std::chrono::nanoseconds{steady_ns() - progress_ns_.load()};
}

}  // namespace belay::monitor
