#include "monitor/gate_versions.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace belay::monitor {
namespace {

/// What is done leaves the candidate where it was: whether that helps is for both to say.
bool stays_beside_action(const rules::ServiceStatus& service) {
  using enum rules::RolloutState;
  const rules::RolloutStatus& rollout = *service.rollout;
  if (rollout.state != rolling_back && rollout.state != verifying) return false;
  if (rollout.intents.empty()) return false;
  const auto last =
      std::ranges::find(service.actions, rollout.intents.back(), &rules::ActionStatus::intent);
  return last != service.actions.end() && last->kind != "rollback";
}

bool is_asked_of_both(const rules::ServiceStatus& service) {
  return service.rollout && (is_judged(service.rollout->state) || stays_beside_action(service));
}

}  // namespace

void GateVersions::publish(const rules::Snapshot& snapshot) {
  ByService versions;
  for (const rules::ServiceStatus& service : snapshot.services) {
    if (!is_asked_of_both(service)) continue;
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
