#include <algorithm>
#include <utility>

#include "rules/engine_state.h"

namespace belay::rules {
namespace {

ServiceStatus status_of(const Service& service, const Rollout& rollout, const NameTable& names,
                        Instant now) {
  ServiceStatus status;
  status.name = service.plan.name;
  status.mode = service.plan.mode;
  status.versions = service.version_names();
  status.series = service.series.totals([&names](NameId id) { return names.text(id); });
  rollout.tell(status, now);
  for (const auto& [name, queue] : service.evidence.queues) status.queues.push_back(queue);
  for (const auto& [source, log] : service.evidence.probes)
    for (const auto& [version, probe] : log.by_version) status.probes.push_back(probe);
  std::stable_sort(
      status.rules.begin(), status.rules.end(),
      [](const RuleStatus& left, const RuleStatus& right) { return left.rule < right.rule; });
  std::stable_sort(status.probes.begin(), status.probes.end(),
                   [](const ProbeStatus& left, const ProbeStatus& right) {
                     return std::pair(left.probe, left.version) <
                            std::pair(right.probe, right.version);
                   });
  return status;
}

}  // namespace

Snapshot Engine::State::snapshot() const {
  Snapshot snapshot;
  snapshot.at = now_;
  snapshot.steps_total = steps_total_;
  snapshot.events_total = events_total_;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    snapshot.services.push_back(status_of(*services_[i], *rollouts_[i], names_, now_));
    snapshot.series_dropped_total += services_[i]->series.over_cap_total();
  }
  std::stable_sort(
      snapshot.services.begin(), snapshot.services.end(),
      [](const ServiceStatus& left, const ServiceStatus& right) { return left.name < right.name; });
  for (const std::unique_ptr<SourceRecord>& source : sources_)
    snapshot.sources.push_back(source->status(now_));
  std::stable_sort(snapshot.sources.begin(), snapshot.sources.end(),
                   [](const SourceStatus& left, const SourceStatus& right) {
                     return std::pair(left.service, left.name) <
                            std::pair(right.service, right.name);
                   });
  return snapshot;
}

}  // namespace belay::rules
