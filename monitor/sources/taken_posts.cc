#include "monitor/sources/taken_posts.h"

#include <utility>

namespace belay::monitor {

const TakenPosts::Taken* TakenPosts::find(const std::string& key, Instant now) {
  while (!arrivals_.empty() && now - arrivals_.front().at >= kRemembered) forget_oldest();
  const auto found = taken_.find(key);
  return found == taken_.end() ? nullptr : &found->second;
}

void TakenPosts::keep(const std::string& key, Taken taken, Instant now) {
  if (!taken_.emplace(key, std::move(taken)).second) return;
  arrivals_.push_back({now, key});
  if (arrivals_.size() > posts_max_) forget_oldest();
}

void TakenPosts::forget_oldest() {
  taken_.erase(arrivals_.front().key);
  arrivals_.pop_front();
}

}  // namespace belay::monitor
