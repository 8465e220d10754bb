#include "monitor/actor.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace belay::monitor {

Actor::Actor(const Platforms& platforms, const Clock& clock, Deliver deliver, ActorOptions options)
    : clock_(clock), deliver_(std::move(deliver)), options_(options), platforms_(&platforms) {}

Actor::~Actor() { stop(); }

void Actor::use(const Platforms& platforms) {
  const std::scoped_lock lock(mutex_);
  platforms_ = &platforms;
  for (const auto& [service, lane] : lanes_) lane->use(platforms);
}

void Actor::take(rules::Order order, bool resumed) {
  const std::scoped_lock lock(mutex_);
  if (is_stopping_) return;  // The journal has it for the next life.
  std::unique_ptr<ActorLane>& lane = lanes_[order.service];
  if (!lane) lane = std::make_unique<ActorLane>(*platforms_, clock_, deliver_, options_);
  lane->take(std::move(order), resumed);
}

void Actor::recall(const std::string& intent, std::string why) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [service, lane] : lanes_) lane->recall(intent, why);
}

void Actor::stop() {
  const auto until = std::chrono::steady_clock::now() + options_.stop_grace;
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  // No lane comes or goes any more.
  for (const auto& [service, lane] : lanes_) lane->ask_to_stop();
  // A command that does not want to end takes its time: all of them at once, not one by one.
  for (const auto& [service, lane] : lanes_) lane->end_call(until);
  for (const auto& [service, lane] : lanes_) lane->join();
}

std::size_t Actor::open() const {
  const std::scoped_lock lock(mutex_);
  std::size_t open = 0;
  for (const auto& [service, lane] : lanes_) open += lane->open();
  return open;
}

bool Actor::is_stuck() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(lanes_, [](const auto& one) { return one.second->is_stuck(); });
}

}  // namespace belay::monitor
