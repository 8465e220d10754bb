#include "monitor/platform/newest_deployment.h"

#include <algorithm>

namespace belay::monitor {

void NewestDeployment::made(const std::string& id) {
  if (id.empty()) return;
  const std::scoped_lock lock(mutex_);
  id_ = id;
  missing_since_.reset();
}

bool NewestDeployment::is_as_new(const std::vector<CloudflareDeployment>& listed, Time now) {
  const std::scoped_lock lock(mutex_);
  const bool is_there =
      id_.empty() || std::ranges::find(listed, id_, &CloudflareDeployment::id) != listed.end();
  if (!is_there && !missing_since_) missing_since_ = now;
  if (!is_there && now - *missing_since_ < kGoneAfter) return false;
  missing_since_.reset();
  id_ = listed.empty() ? std::string() : listed.front().id;
  return true;
}

}  // namespace belay::monitor
