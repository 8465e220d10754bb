#include "monitor/api/newest.h"

#include <utility>

namespace belay::monitor {

void Newest::publish(const rules::Snapshot& snapshot) {
  published_.set(std::make_shared<const Published>(Published{++publications_, snapshot}));
  if (wake_) wake_();
}

void Newest::notify(const rules::Notice& notice) {
  const auto before = notices_.get();
  std::deque<Noted> notices = before ? *before : std::deque<Noted>{};
  notices.push_back({++noticed_, notice});
  if (notices.size() > kNoticesMax) notices.pop_front();
  notices_.set(std::make_shared<const std::deque<Noted>>(std::move(notices)));
  if (wake_) wake_();
}

}  // namespace belay::monitor
