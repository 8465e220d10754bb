#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/metric_families.h"
#include "exporters/metrics_page.h"

namespace belay::exporters {
namespace {

using rules::ProbeStatus;
using rules::ServiceStatus;
using rules::Snapshot;

/// The answers of one probe to one role: a role may hold several versions.
struct Answers {
  bool passing = true;
  std::optional<double> latency_seconds;  ///< The slowest.
};
using ByProbeAndRole = std::map<std::pair<std::string_view, std::string_view>, Answers>;

ByProbeAndRole answers_of(const ServiceStatus& service) {
  ByProbeAndRole answers;
  for (const ProbeStatus& probe : service.probes) {
    const Role role = role_of(service, probe.version);
    // Of a gate that is over: nobody asks that version any more.
    if (!probe.version.empty() && role == Role::other) continue;
    // A probe that is aimed at no version asks whichever answers.
    Answers& of_role = answers[{probe.probe, probe.version.empty() ? "any" : name_of(role)}];
    of_role.passing = of_role.passing && probe.passing;
    if (!probe.latency_seconds) continue;
    of_role.latency_seconds = std::max(of_role.latency_seconds.value_or(0), *probe.latency_seconds);
  }
  return answers;
}

void write_last_answers(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::probe_success);
  for (const ServiceStatus& service : snapshot.services) {
    for (const auto& [key, answers] : answers_of(service)) {
      text.sample({{"service", service.name}, {"probe", key.first}, {"role", key.second}},
                  as_flag(answers.passing));
    }
  }
  open(text, Metric::probe_duration);
  for (const ServiceStatus& service : snapshot.services) {
    for (const auto& [key, answers] : answers_of(service)) {
      if (!answers.latency_seconds) continue;
      text.sample({{"service", service.name}, {"probe", key.first}, {"role", key.second}},
                  *answers.latency_seconds);
    }
  }
}

void write_totals(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::probes);
  for (const ServiceStatus& service : snapshot.services) {
    std::map<std::string_view, std::pair<std::uint64_t, std::uint64_t>> totals;
    for (const ProbeStatus& probe : service.probes) {
      auto& [passed, failed] = totals[probe.probe];
      passed += probe.passed_total;
      failed += probe.failed_total;
    }
    for (const auto& [probe, counts] : totals) {
      const auto result = [&](std::string_view name, std::uint64_t count) {
        text.sample({{"service", service.name}, {"probe", probe}, {"result", name}}, count);
      };
      result("passed", counts.first);
      result("failed", counts.second);
    }
  }
}

}  // namespace

void write_probes(const Snapshot& snapshot, MetricsText& text) {
  write_last_answers(snapshot, text);
  write_totals(snapshot, text);
}

}  // namespace belay::exporters
