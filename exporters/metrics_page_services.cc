#include <algorithm>
#include <string_view>
#include <utility>

#include "exporters/metric_families.h"
#include "exporters/metrics_page.h"

namespace belay::exporters {
namespace {

using rules::Outcome;
using rules::RolloutState;
using rules::ServiceStatus;
using rules::Snapshot;

void write_verdicts(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::verdict);
  for (const ServiceStatus& service : snapshot.services) {
    for (const Outcome verdict : {Outcome::pass, Outcome::fail, Outcome::unknown}) {
      text.sample({{"service", service.name}, {"verdict", name_of(verdict)}},
                  as_flag(service.verdict == verdict));
    }
  }
  open(text, Metric::mode);
  for (const ServiceStatus& service : snapshot.services) {
    using rules::Mode;
    for (const Mode mode : {Mode::observe, Mode::recommend, Mode::enforce}) {
      text.sample({{"service", service.name}, {"mode", name_of(mode)}},
                  as_flag(service.mode == mode));
    }
  }
  open(text, Metric::disarmed_until);
  for (const ServiceStatus& service : snapshot.services) {
    if (!service.disarmed_until || *service.disarmed_until <= snapshot.at) continue;
    text.sample({{"service", service.name}}, unix_seconds(*service.disarmed_until));
  }
}

void write_gates(const Snapshot& snapshot, MetricsText& text) {
  const auto runs = [](const ServiceStatus& service) {
    return service.rollout && is_judged(service.rollout->state);
  };
  open(text, Metric::gate_running);
  for (const ServiceStatus& service : snapshot.services) {
    text.sample({{"service", service.name}}, as_flag(runs(service)));
  }
  open(text, Metric::gate_ends);
  for (const ServiceStatus& service : snapshot.services) {
    if (!runs(service)) continue;
    text.sample({{"service", service.name}}, unix_seconds(service.rollout->ends));
  }
}

void write_actions(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::actions);
  for (const ServiceStatus& service : snapshot.services) {
    for (const auto& [key, count] : service.actions_total) {
      const std::string_view all = key;  // "rollback/applied"
      const std::size_t slash = std::min(all.find('/'), all.size());
      const std::string_view result = all.substr(std::min(slash + 1, all.size()));
      text.sample({{"service", service.name}, {"action", all.substr(0, slash)}, {"result", result}},
                  count);
    }
  }
}

/// Counters begin at zero: else Prometheus does not see the first of each.
constexpr std::pair<RolloutState, Outcome> kUsualEnds[] = {
    {RolloutState::promoted, Outcome::pass},
    {RolloutState::failed, Outcome::fail},
    {RolloutState::recovered, Outcome::fail},
    {RolloutState::not_recovered, Outcome::fail}};

void write_deployments(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::deployments);
  for (const ServiceStatus& service : snapshot.services) {
    auto ended = service.deployments.ended;
    for (const auto& usual : kUsualEnds) ended.try_emplace(usual, 0);
    for (const auto& [how, count] : ended) {
      text.sample({{"service", service.name},
                   {"result", name_of(how.first)},
                   {"verdict", name_of(how.second)}},
                  count);
    }
  }
  open(text, Metric::deployment_lead_time);
  for (const ServiceStatus& service : snapshot.services) {
    const auto& lead_time = service.deployments.lead_time;
    text.histogram({{"service", service.name}}, rules::kLeadTimeBounds, lead_time.buckets,
                   lead_time.sum_seconds);
  }
  open(text, Metric::deployment_recovery);
  for (const ServiceStatus& service : snapshot.services) {
    const auto& recovery = service.deployments.recovery;
    text.histogram({{"service", service.name}}, rules::kRecoveryBounds, recovery.buckets,
                   recovery.sum_seconds);
  }
}

}  // namespace

void write_services(const Snapshot& snapshot, MetricsText& text) {
  write_verdicts(snapshot, text);
  write_gates(snapshot, text);
  write_actions(snapshot, text);
  write_deployments(snapshot, text);
}

}  // namespace belay::exporters
