#include "monitor/gate_versions.h"

#include <memory>
#include <utility>

namespace belay::monitor {

void GateVersions::publish(const rules::Snapshot& snapshot) {
  ByService versions;
  for (const rules::ServiceStatus& service : snapshot.services) {
    if (!service.gate || service.gate->ended) continue;
    std::vector<std::string>& of_service = versions[service.name];
    of_service.push_back(service.gate->candidate);
    if (!service.gate->baseline.empty()) of_service.push_back(service.gate->baseline);
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
