#include "rules/service.h"

#include <algorithm>
#include <utility>

namespace belay::rules {

Service::Service(ServicePlan plan_of_it, std::uint32_t routes_max)
    : plan(std::move(plan_of_it)), series(routes_max), versions_(1) {}

void Service::bind(Instant now) {
  for (const Rule& rule : plan.rules)
    always.emplace_back(rule, plan.name, Binding{}, evidence, now);
  for (const Rule& rule : plan.rollout_rules)
    before.emplace_back(rule, plan.name, Binding::of_the_service_before(), evidence, now);
}

std::uint32_t Service::version_slot(NameId version, std::uint32_t versions_max,
                                    const std::vector<NameId>& spared) {
  if (version == kNoName) return 0;
  const auto known =
      std::find_if(versions_.begin() + 1, versions_.end(),
                   [version](const SeenVersion& seen) { return seen.version == version; });
  if (known != versions_.end()) return static_cast<std::uint32_t>(known - versions_.begin());
  if (versions_.size() <= std::max(versions_max, 1U)) {
    versions_.push_back({.version = version});
    return static_cast<std::uint32_t>(versions_.size() - 1);
  }
  auto oldest = versions_.end();
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen) {
    if (std::find(spared.begin(), spared.end(), seen->version) != spared.end()) continue;
    if (oldest == versions_.end() || seen->seen < oldest->seen) oldest = seen;
  }
  if (oldest == versions_.end()) return 0;
  series.drop_version(oldest->version);
  ++epoch;
  *oldest = SeenVersion{.version = version};
  return static_cast<std::uint32_t>(oldest - versions_.begin());
}

std::optional<Instant> Service::first_seen(NameId version) const {
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen)
    if (seen->version == version && seen->first != Instant::max()) return seen->first;
  return std::nullopt;
}

std::vector<std::string> Service::version_names() const {
  std::vector<std::string> names;
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen)
    names.push_back(evidence.names->text(seen->version));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace belay::rules
