#include "monitor/platform/newest_deployment.h"

#include <algorithm>

namespace belay::monitor {

void NewestDeployment::made(const std::string& id, Time now) {
  if (id.empty()) return;
  const std::scoped_lock lock(mutex_);
  id_ = id;
  known_at_ = now;
}

bool NewestDeployment::is_as_new(const std::vector<CloudflareDeployment>& listed, Time now) {
  const std::scoped_lock lock(mutex_);
  const bool is_there =
      id_.empty() || std::ranges::find(listed, id_, &CloudflareDeployment::id) != listed.end();
  if (!is_there && now - known_at_ < kGoneAfter) return false;
  id_ = listed.empty() ? std::string() : listed.front().id;
  known_at_ = now;
  return true;
}

}  // namespace belay::monitor
