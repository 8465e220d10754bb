#include "monitor/gate_versions.h"

#include <memory>
#include <utility>

namespace belay::monitor {

void GateVersions::publish(const rules::Snapshot& snapshot) {
  ByService versions;
  for (const rules::ServiceStatus& service : snapshot.services) {
    if (!service.rollout || !is_judged(service.rollout->state)) continue;
    std::vector<std::string>& of_service = versions[service.name];
    of_service.push_back(service.rollout->candidate);
    if (!service.rollout->baseline.empty()) of_service.push_back(service.rollout->baseline);
  }
  versions_.set(std::make_shared<const ByService>(std::move(versions)));
}

std::vector<std::string> GateVersions::of(const std::string& service) const {
  const auto versions = versions_.get();
  if (versions == nullptr) return {};
  const auto found = versions->find(service);
  return found == versions->end() ? std::vector<std::string>{} : found->second;
}

}  // namespace belay::monitor
