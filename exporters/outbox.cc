#include "exporters/outbox.h"

#include <algorithm>
#include <utility>

#include "base/backoff.h"
#include "base/time.h"

namespace belay::exporters {

using Milliseconds = std::chrono::milliseconds;
using Result = Outbox::Attempt::Result;

Outbox::Outbox(Limits limits, NotificationCounts counts, Deliver deliver, Complain complain,
               Keeping keeping)
    : limits_(limits),
      counts_(counts),
      deliver_(std::move(deliver)),
      complain_(std::move(complain)),
      keeping_(std::move(keeping)) {
  if (keeping_.spool != nullptr) take_left();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Outbox::~Outbox() {
  begin_to_end();
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, *ends_, [this] { return has_ended_; });
  lock.unlock();
  thread_.request_stop();  // Ends an attempt that is under way.
  thread_.join();
}

void Outbox::begin_to_end() {
  const std::lock_guard lock(mutex_);
  if (ends_) return;
  ends_ = SteadyClock::now() + limits_.drain;
  changed_.notify_all();
}

void Outbox::put(const rules::Notice& notice) {
  const std::lock_guard lock(mutex_);
  make_room(1);
  const std::uint64_t number =
      keeping_.spool == nullptr ? 0 : keeping_.spool->keep(keeping_.route, notice);
  waiting_.push_back({.notice = notice, .since = SteadyClock::now(), .number = number});
  show_waiting();
  changed_.notify_all();
}

/// Drops the oldest that no attempt is telling just now.
void Outbox::make_room(std::size_t for_more) {
  while (waiting_.size() > in_flight_ &&
         waiting_.size() - in_flight_ + for_more > limits_.waiting_max) {
    const auto oldest = waiting_.begin() + static_cast<std::ptrdiff_t>(in_flight_);
    if (keeping_.spool != nullptr) keeping_.spool->forget(oldest->number);
    waiting_.erase(oldest);
    ++dropped_;
    counts_.dropped.Increment();
  }
}

void Outbox::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    await_work(lock);
    forget_old();  // What was left may be too old before it was ever tried.
    if (ends_ && (waiting_.empty() || !may_go_on())) break;
    if (waiting_.empty()) continue;
    const Batch batch = next_batch();
    in_flight_ = batch.notices.size();
    lock.unlock();
    const Attempt attempt = deliver_(batch, stop);
    lock.lock();
    settle(attempt, std::exchange(in_flight_, 0));
    if (attempt.result == Result::delivered) dropped_ -= batch.dropped_before;
    forget_old();
    rest(lock, pause_after(attempt));
  }
  leave_rest();
  has_ended_ = true;
  changed_.notify_all();
}

void Outbox::await_work(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return !waiting_.empty() || ends_; };
  if (keeping_.spool == nullptr) return changed_.wait(lock, has_work);
  // The route that a reload replaces leaves what it could not deliver after this one has begun.
  for (take_left(); !has_work(); take_left()) changed_.wait_for(lock, limits_.look_again, has_work);
}

void Outbox::take_left() {
  std::vector<Spool::Message> left = keeping_.spool->take(keeping_.route);
  if (left.empty()) return;
  const auto now = SteadyClock::now();
  for (auto message = left.rbegin(); message != left.rend(); ++message) {
    waiting_.push_front({.notice = std::move(message->notice),
                         .since = now - message->age,
                         .number = message->number,
                         .was_left = true});
  }
  make_room(0);
  show_waiting();
}

/// Another outbox may have the same metric: the one that a reload puts in place of this one.
void Outbox::show_waiting() {
  counts_.waiting.Increment(static_cast<double>(waiting_.size()) - static_cast<double>(shown_));
  shown_ = waiting_.size();
}

void Outbox::leave_rest() {
  std::size_t kept = 0;
  if (keeping_.spool != nullptr) {
    kept = std::erase_if(waiting_, [this](const Waiting& waiting) {
      return keeping_.spool->leave(keeping_.route,
                                   {.number = waiting.number, .notice = waiting.notice});
    });
  }
  if (kept > 0) {
    complain_(
        std::to_string(kept) + (kept == 1 ? " message is" : " messages are") +
        " not delivered, and kept in the state directory: whoever has this route next tells them");
    show_waiting();
  }
  forget(waiting_.size(), "Belay ends");
}

void Outbox::erase_oldest(std::size_t count) {
  for (; count > 0; --count) {
    if (keeping_.spool != nullptr) keeping_.spool->forget(waiting_.front().number);
    waiting_.pop_front();
  }
  show_waiting();
}

Outbox::Batch Outbox::next_batch() const {
  Batch batch{.dropped_before = dropped_};
  const std::size_t count = std::min(waiting_.size(), limits_.batch_max);
  const auto late_since = SteadyClock::now() - limits_.late_after;
  for (std::size_t i = 0; i < count; ++i) {
    const Waiting& waiting = waiting_[i];
    batch.notices.push_back(waiting.notice);
    if (waiting.was_left || waiting.since < late_since) ++batch.late;
  }
  return batch;
}

void Outbox::settle(const Attempt& attempt, std::size_t told) {
  switch (attempt.result) {
    case Result::delivered:
      failures_in_a_row_ = 0;
      erase_oldest(told);
      counts_.sent.Increment(static_cast<double>(told));
      return;
    case Result::refused:
      failures_in_a_row_ = 0;
      forget(told, attempt.why);
      return;
    case Result::try_again:
      if (++failures_in_a_row_ == 1) complain_(attempt.why + "; will be tried again");
      return;
  }
}

/// The oldest `count` will not be told any more.
void Outbox::forget(std::size_t count, const std::string& why) {
  if (count == 0) return;
  erase_oldest(count);
  counts_.failed.Increment(static_cast<double>(count));
  complain_(std::to_string(count) + (count == 1 ? " message" : " messages") + " lost: " + why);
}

void Outbox::forget_old() {
  const auto too_old = SteadyClock::now() - limits_.give_up_after;
  const auto young = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const Waiting& waiting) { return waiting.since > too_old; });
  forget(static_cast<std::size_t>(young - waiting_.begin()),
         "not delivered within " + format_duration(limits_.give_up_after));
}

Milliseconds Outbox::pause_after(const Attempt& attempt) {
  if (attempt.result != Result::try_again) return limits_.spacing;
  const Duration pause = backoff(limits_.backoff_min, limits_.backoff_max, failures_in_a_row_,
                                 std::uniform_real_distribution<double>{}(jitter_));
  return std::max(std::chrono::ceil<Milliseconds>(pause),
                  attempt.retry_after.value_or(Milliseconds{0}));
}

/// Until the pause is over. The end shortens every pause but a failure's.
void Outbox::rest(std::unique_lock<std::mutex>& lock, Milliseconds pause) {
  const auto until = SteadyClock::now() + pause;
  changed_.wait_until(lock, until, [&] { return ends_.has_value(); });
  if (ends_ && failures_in_a_row_ > 0) {
    changed_.wait_until(lock, std::min(until, *ends_), [] { return false; });
  }
}

bool Outbox::may_go_on() const { return !ends_ || SteadyClock::now() < *ends_; }

}  // namespace belay::exporters
