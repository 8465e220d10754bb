#include "monitor/actor_lane.h"

#include <algorithm>
#include <utility>

namespace belay::monitor {
namespace {

// Engine time runs on while the machine is suspended, a condition variable's does not: look again.
constexpr Duration kWaitMax = std::chrono::seconds{1};

}  // namespace

ActorLane::ActorLane(const Platforms& platforms, const Clock& clock, Deliver deliver,
                     const ActorOptions& options)
    : clock_(clock),
      deliver_(std::move(deliver)),
      options_(options),
      random_(std::random_device{}()),
      platforms_(&platforms),
      thread_([this] { work(); }) {}

ActorLane::~ActorLane() {
  ask_to_stop();
  end_call(std::chrono::steady_clock::now());
  join();
}

void ActorLane::use(const Platforms& platforms) {
  const std::scoped_lock lock(mutex_);
  platforms_ = &platforms;
}

void ActorLane::take(rules::Order order, bool resumed) {
  const std::scoped_lock lock(mutex_);
  if (std::find(open_.begin(), open_.end(), order.intent) != open_.end()) return;
  open_.push_back(order.intent);
  taken_.push_back({std::move(order), resumed});
  changed_.notify_all();
}

void ActorLane::recall(const std::string& intent, std::string why) {
  const std::scoped_lock lock(mutex_);
  if (std::find(open_.begin(), open_.end(), intent) == open_.end()) return;
  recalled_.insert_or_assign(intent, std::move(why));
}

std::optional<std::string> ActorLane::why_recalled(const std::string& intent) const {
  const std::scoped_lock lock(mutex_);
  const auto found = recalled_.find(intent);
  return found == recalled_.end() ? std::nullopt : std::optional(found->second);
}

void ActorLane::ask_to_stop() {
  const std::scoped_lock lock(mutex_);
  is_stopping_ = true;
  changed_.notify_all();
}

void ActorLane::end_call(std::chrono::steady_clock::time_point until) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [this] { return has_ended_; });
  }
  calls_.request_stop();
}

void ActorLane::join() {
  if (thread_.joinable()) thread_.join();
}

std::size_t ActorLane::open() const {
  const std::scoped_lock lock(mutex_);
  return open_.size();
}

bool ActorLane::is_stuck() const {
  const std::scoped_lock lock(mutex_);
  return step_ends_ && clock_.now() > *step_ends_;
}

void ActorLane::admit() {
  for (Taken& taken : taken_) {
    Platform* platform = platforms_->find(taken.order);
    const std::string intent = taken.order.intent;
    if (platform != nullptr) {
      attempts_.push_back(std::make_unique<Attempt>(
          std::move(taken.order), *platform, clock_, options_,
          [this] { return std::uniform_real_distribution<double>{}(random_); }, taken.resumed,
          [this, intent] { return why_recalled(intent); }));
      continue;
    }
    // Of a resumed order nobody can say whether it was carried out.
    const auto phase = taken.resumed ? rules::ActionOutcome::Phase::abandoned
                                     : rules::ActionOutcome::Phase::rejected;
    std::erase(open_, intent);
    recalled_.erase(intent);
    deliver_(taken.order, {.at = clock_.now(),
                           .intent = taken.order.intent,
                           .phase = phase,
                           .detail = "nothing is configured that could carry out this order"});
  }
  taken_.clear();
}

Attempt* ActorLane::next_due() {
  const auto first = std::min_element(attempts_.begin(), attempts_.end(),
                                      [](auto& a, auto& b) { return a->due() < b->due(); });
  return first == attempts_.end() ? nullptr : first->get();
}

void ActorLane::work() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    admit();
    for (const auto& attempt : attempts_) {
      if (recalled_.contains(attempt->order().intent)) attempt->hasten();
    }
    Attempt* const attempt = next_due();
    const Instant now = clock_.now();
    if (attempt == nullptr || attempt->due() > now) {
      const Duration pause =
          attempt == nullptr ? kWaitMax : std::min(kWaitMax, attempt->due() - now);
      changed_.wait_for(lock, pause, [this] { return is_stopping_ || !taken_.empty(); });
      continue;
    }
    step_ends_ = now + attempt->step_max();
    lock.unlock();
    std::optional<rules::ActionOutcome> outcome = attempt->step(calls_.get_token());
    if (outcome) deliver_(attempt->order(), std::move(*outcome));
    lock.lock();
    step_ends_.reset();
    if (attempt->is_over()) {
      std::erase(open_, attempt->order().intent);
      recalled_.erase(attempt->order().intent);
      std::erase_if(attempts_, [attempt](const auto& one) { return one.get() == attempt; });
    }
  }
  has_ended_ = true;
  changed_.notify_all();
}

}  // namespace belay::monitor
