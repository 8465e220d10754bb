#include "monitor/inbox.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "rules/event_time.h"

namespace belay::monitor {
Lane::Lane(Inbox& inbox, rules::SourceId source, std::size_t events_max)
    : inbox_(inbox), source_(source), events_max_(events_max) {}

/// Under the inbox's lock.
bool Lane::take(rules::Event&& event) {
  if (waiting_.size() < events_max_) {
    waiting_.push_back(std::move(event));
    return true;
  }
  const Instant at = rules::time_of(event).value_or(Instant{});
  dropped_since_ = dropped_ == 0 ? at : std::min(dropped_since_, at);
  dropped_until_ = dropped_ == 0 ? at : std::max(dropped_until_, at);
  ++dropped_;
  return false;
}

bool Lane::offer(rules::Event event) {
  bool taken = false;
  {
    const std::lock_guard lock(inbox_.mutex_);
    taken = take(std::move(event));
  }
  inbox_.something_.notify_one();
  return taken;
}

void Lane::offer_all(std::vector<rules::Event>& events) {
  if (events.empty()) return;
  {
    const std::lock_guard lock(inbox_.mutex_);
    for (auto& event : events) take(std::move(event));
  }
  events.clear();
  inbox_.something_.notify_one();
}

void Lane::offer_whole(std::vector<rules::Event>& events) {
  if (events.empty()) return;
  {
    const std::lock_guard lock(inbox_.mutex_);
    waiting_.insert(waiting_.end(), std::make_move_iterator(events.begin()),
                    std::make_move_iterator(events.end()));
  }
  events.clear();
  inbox_.something_.notify_one();
}

void Lane::deliver(rules::Event event) { inbox_.deliver(std::move(event)); }

double Lane::fill() const {
  const std::lock_guard lock(inbox_.mutex_);
  return static_cast<double>(waiting_.size()) / static_cast<double>(events_max_);
}

/// Under the inbox's lock. A gap says itself over which time it lies, so it need not wait its turn.
void Lane::move_out(std::size_t events_max, std::vector<rules::Event>& events) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(events_max, waiting_.size()));
  const auto end = waiting_.begin() + count;
  events.insert(events.end(), std::make_move_iterator(waiting_.begin()),
                std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  if (dropped_ == 0) return;
  events.emplace_back(rules::SourceGap{.source = source_,
                                       .at = dropped_until_,
                                       .span = dropped_until_ - dropped_since_,
                                       .lost = std::exchange(dropped_, 0),
                                       .reason = "inbox_full"});
}

Lane& Inbox::add_lane(rules::SourceId source) {
  const std::lock_guard lock(mutex_);
  lanes_.push_back(std::unique_ptr<Lane>(new Lane(*this, source, events_per_lane_max_)));
  return *lanes_.back();
}

void Inbox::deliver(rules::Event event) {
  {
    const std::lock_guard lock(mutex_);
    control_.push_back(std::move(event));
  }
  something_.notify_one();
}

std::vector<rules::Event> Inbox::drain(std::chrono::milliseconds until_at_most,
                                       std::size_t per_lane_max) {
  std::unique_lock lock(mutex_);
  something_.wait_for(lock, until_at_most, [&] {
    const auto waits = [](const auto& lane) { return !lane->waiting_.empty(); };
    return closed_ || woken_ || !control_.empty() ||
           std::any_of(lanes_.begin(), lanes_.end(), waits);
  });
  woken_ = false;
  std::vector<rules::Event> events = std::exchange(control_, {});
  for (const auto& lane : lanes_) lane->move_out(per_lane_max, events);
  return events;
}

void Inbox::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  something_.notify_all();
}

void Inbox::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  something_.notify_all();
}

}  // namespace belay::monitor
