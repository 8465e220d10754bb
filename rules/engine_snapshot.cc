#include <algorithm>
#include <utility>

#include "rules/engine_state.h"

namespace belay::rules {
namespace {

/// As a rule sees it: of a queue that was not read for three intervals nothing is known but what
/// was counted.
QueueStatus as_of(Instant now, QueueStatus queue, const SourceRecord& source) {
  if (now - queue.last.at <= source.silence_max()) return queue;
  queue.last = {.source = queue.last.source, .queue = queue.last.queue, .at = queue.last.at};
  return queue;
}

ServiceStatus status_of(const Service& service, const Rollout& rollout, const NameTable& names,
                        Instant now) {
  ServiceStatus status;
  status.name = service.plan.name;
  status.aliases = service.plan.aliases;
  status.mode = service.plan.mode;
  status.versions = service.version_names();
  status.recent = service.recent_requests();
  status.recent_over = std::clamp(now - service.watched_since, Duration::zero(), kRecent);
  status.series = service.series.totals([&names](NameId id) { return names.text(id); });
  rollout.tell(status, now);
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
    ServiceStatus& status =
        snapshot.services.emplace_back(status_of(*services_[i], *rollouts_[i], names_, now_));
    status.silenced = silences_.of_service(status.name, now_);
    for (const auto& [name, queue] : services_[i]->evidence.queues)
      status.queues.push_back(
          as_of(now_, queue, *sources_[static_cast<std::uint32_t>(queue.last.source)]));
    snapshot.series_dropped_total += services_[i]->series.over_cap_total();
  }
  std::stable_sort(
      snapshot.services.begin(), snapshot.services.end(),
      [](const ServiceStatus& left, const ServiceStatus& right) { return left.name < right.name; });
  for (const std::unique_ptr<SourceRecord>& source : sources_)
    if (!source->is_retired()) snapshot.sources.push_back(source->status(now_));
  std::stable_sort(snapshot.sources.begin(), snapshot.sources.end(),
                   [](const SourceStatus& left, const SourceStatus& right) {
                     return std::pair(left.service, left.name) <
                            std::pair(right.service, right.name);
                   });
  return snapshot;
}

}  // namespace belay::rules
