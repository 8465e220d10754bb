#include "monitor/doctor/daemon_view.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "base/time.h"
#include "exporters/json_fields.h"

namespace belay::monitor {
namespace {

using exporters::array_in;
using exporters::instant_in;
using exporters::is_set_in;
using exporters::number_in;
using exporters::text_in;
using nlohmann::json;
using Level = Finding::Level;

constexpr Duration kLongEnough = std::chrono::minutes{1};

/// The enumerator that name_of() spells so, of those up to `last`; else `otherwise`.
template <typename Enum>
Enum named(const std::string& name, Enum last, Enum otherwise) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto one = static_cast<Enum>(i);
    if (rules::name_of(one) == name) return one;
  }
  return otherwise;
}

rules::SourceStatus source_of(const json& source) {
  using enum rules::SourceHealth;
  rules::SourceStatus status{
      .name = text_in(source, "source"),
      .service = text_in(source, "service"),
      .kind = named(text_in(source, "kind"), rules::SourceKind::platform, rules::SourceKind::log),
      .health = named(text_in(source, "health"), sampled, down),
      .blind = is_set_in(source, "blind"),
      .detail = text_in(source, "detail"),
      .last_event = instant_in(source, "last_event_ms"),
      .events_total = number_in<std::uint64_t>(source, "events"),
      .documents_total = number_in<std::uint64_t>(source, "documents"),
      .used_total = number_in<std::uint64_t>(source, "used")};
  const auto rejected = source.find("rejected");
  if (rejected == source.end() || !rejected->is_object()) return status;
  for (const auto& [reason, count] : rejected->items()) {
    if (count.is_number()) status.rejected_total[reason] = count.get<std::uint64_t>();
  }
  return status;
}

rules::ProbeStatus probe_of(const json& probe) {
  constexpr rules::ProbeFailure kOther = rules::ProbeFailure::other;
  rules::ProbeStatus status;
  status.probe = text_in(probe, "probe");
  status.version = text_in(probe, "version");
  status.passing = is_set_in(probe, "passing");
  if (!status.passing) status.failure = named(text_in(probe, "failure"), kOther, kOther);
  status.detail = text_in(probe, "detail");
  if (const auto latency = number_in<double>(probe, "latency_seconds"); latency > 0)
    status.latency_seconds = latency;
  return status;
}

rules::QueueStatus queue_of(const json& queue) {
  rules::QueueStatus status;
  status.queue = text_in(queue, "queue");
  const auto depth = queue.find("depth");
  if (depth != queue.end() && depth->is_number_unsigned())
    status.last.depth = depth->get<std::uint64_t>();
  return status;
}

rules::ServiceStatus service_of(const json& service) {
  rules::ServiceStatus status{.name = text_in(service, "service")};
  status.disarmed_until = instant_in(service, "disarmed_until_ms");
  for (const json& version : array_in(service, "versions")) {
    if (version.is_string()) status.versions.push_back(version.get<std::string>());
  }
  for (const json& series : array_in(service, "series")) {
    rules::SeriesTotals totals;
    totals.version = text_in(series, "version");
    totals.requests = number_in<std::uint64_t>(series, "requests");
    totals.latency_count = number_in<std::uint64_t>(series, "latency_count");
    status.series.push_back(std::move(totals));
  }
  for (const json& probe : array_in(service, "probes")) status.probes.push_back(probe_of(probe));
  for (const json& queue : array_in(service, "queues")) status.queues.push_back(queue_of(queue));
  const auto recent = service.find("recent");
  if (recent == service.end() || !recent->is_object()) return status;
  status.recent_over = std::chrono::milliseconds{number_in<std::int64_t>(*recent, "over_ms")};
  for (const json& one : array_in(*recent, "requests")) {
    status.recent.push_back({text_in(one, "version"), number_in<std::uint64_t>(one, "requests")});
  }
  return status;
}

}  // namespace

Observation observation_of(const json& sources, const std::vector<json>& services) {
  Observation observation;
  observation.is_of_daemon = true;
  observation.snapshot.at = instant_in(sources, "at_ms").value_or(Instant{});
  for (const json& source : array_in(sources, "sources")) {
    observation.snapshot.sources.push_back(source_of(source));
  }
  for (const json& service : services) {
    observation.snapshot.services.push_back(service_of(service));
    observation.lasted =
        std::max(observation.lasted, observation.snapshot.services.back().recent_over);
  }
  return observation;
}

Findings check_daemon(const std::string& at, const Observation& observation,
                      const std::vector<std::string>& services) {
  Findings found;
  found.push_back(
      {Level::note, "", "daemon",
       fmt::format("{} watches already: what it saw in the last {} is what follows, and "
                   "no source is read a second time",
                   sanitize(at, 200),
                   format_duration(std::chrono::ceil<std::chrono::seconds>(observation.lasted)))});
  if (observation.lasted < kLongEnough)
    found.push_back({Level::weak, "", "daemon",
                     fmt::format("it has watched for {} only: how many requests a step gives is a "
                                 "guess yet; ask again in a minute",
                                 format_duration(std::chrono::ceil<std::chrono::seconds>(
                                     observation.lasted)))});
  for (const std::string& service : services) {
    const auto known =
        std::ranges::find(observation.snapshot.services, service, &rules::ServiceStatus::name);
    if (known == observation.snapshot.services.end()) {
      found.push_back(
          {Level::weak, service, "daemon",
           "it does not know this service: `kill -HUP` makes it take the configuration"});
    } else if (known->disarmed_until > observation.snapshot.at) {
      found.push_back({Level::weak, service, "daemon",
                       fmt::format("disarmed until {}: a fail is told, and nothing is done about "
                                   "it; `belay disarm` with `--for 0s` arms it again",
                                   format_utc(*known->disarmed_until))});
    }
  }
  return found;
}

}  // namespace belay::monitor
