#include "exporters/outbox.h"

#include <algorithm>
#include <utility>

#include "base/backoff.h"
#include "base/time.h"

namespace belay::exporters {

using Milliseconds = std::chrono::milliseconds;
using Result = Outbox::Attempt::Result;

Outbox::Outbox(Limits limits, NotificationCounts counts, Deliver deliver, Complain complain)
    : limits_(limits),
      counts_(counts),
      deliver_(std::move(deliver)),
      complain_(std::move(complain)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Outbox::~Outbox() {
  std::unique_lock lock(mutex_);
  ends_ = SteadyClock::now() + limits_.drain;
  changed_.notify_all();
  changed_.wait_until(lock, *ends_, [this] { return has_ended_; });
  lock.unlock();
  thread_.request_stop();  // Ends an attempt that is under way.
  thread_.join();
}

void Outbox::put(const rules::Notice& notice) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() - in_flight_ >= limits_.waiting_max) {
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(in_flight_));
    ++dropped_;
    counts_.dropped.Increment();
  }
  waiting_.push_back({notice, SteadyClock::now()});
  counts_.waiting.Set(static_cast<double>(waiting_.size()));
  changed_.notify_all();
}

void Outbox::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !waiting_.empty() || ends_; });
    if (waiting_.empty() || !may_go_on()) break;
    const Batch batch = next_batch();
    in_flight_ = batch.notices.size();
    lock.unlock();
    const Attempt attempt = deliver_(batch, stop);
    lock.lock();
    settle(attempt, std::exchange(in_flight_, 0));
    if (attempt.result == Result::delivered) dropped_ -= batch.dropped_before;
    forget_old();
    counts_.waiting.Set(static_cast<double>(waiting_.size()));
    rest(lock, pause_after(attempt));
  }
  forget(waiting_.size(), "Belay ends");
  has_ended_ = true;
  changed_.notify_all();
}

Outbox::Batch Outbox::next_batch() const {
  Batch batch{.dropped_before = dropped_};
  const std::size_t count = std::min(waiting_.size(), limits_.batch_max);
  for (std::size_t i = 0; i < count; ++i) batch.notices.push_back(waiting_[i].notice);
  return batch;
}

void Outbox::settle(const Attempt& attempt, std::size_t told) {
  switch (attempt.result) {
    case Result::delivered:
      failures_in_a_row_ = 0;
      counts_.sent.Increment(static_cast<double>(told));
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(told));
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
  counts_.failed.Increment(static_cast<double>(count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
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
