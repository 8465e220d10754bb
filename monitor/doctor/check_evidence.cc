#include "monitor/doctor/check_evidence.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/sanitize.h"
#include "rules/judgement/untold_latency.h"
#include "rules/service.h"

namespace belay::monitor {
namespace {

using Level = Finding::Level;

const rules::ServiceStatus* status_of(const Observation& observation, const std::string& service) {
  const auto found =
      std::ranges::find(observation.snapshot.services, service, &rules::ServiceStatus::name);
  return found == observation.snapshot.services.end() ? nullptr : &*found;
}

const rules::SourceStatus* status_of(const Observation& observation, const SourceConfig& source) {
  const auto found =
      std::ranges::find_if(observation.snapshot.sources, [&](const rules::SourceStatus& status) {
        return status.name == source.name && status.service == source.service;
      });
  return found == observation.snapshot.sources.end() ? nullptr : &*found;
}

std::string rejected_by(const rules::SourceStatus& status) {
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : status.rejected_total) {
    reasons.push_back(fmt::format("{} {}", count, reason));
  }
  return fmt::format("{}", fmt::join(reasons, ", "));
}

constexpr Duration kSilenceMin = std::chrono::seconds{30};
constexpr double kMissedMin = 20;
constexpr Duration kLongAgo = std::chrono::hours{24 * 365};

std::uint64_t requests_in(const rules::ServiceStatus& service) {
  std::uint64_t requests = 0;
  for (const rules::SeriesTotals& series : service.series) requests += series.requests;
  return requests;
}

/// The evidence of one source after another.
class EvidenceCheck {
 public:
  EvidenceCheck(const Config& config, const Observation& observation)
      : config_(config), observation_(observation), lasted_(seconds(observation.lasted)) {}

  void check(const SourceConfig& source) {
    if (std::holds_alternative<PlatformWatch>(source.of)) return;
    const std::string about = "source " + source.name;
    if (!is_observable(source) && !observation_.is_of_daemon) {
      return add(Level::note, source, about,
                 "is not tried: only the daemon can take what comes in here");
    }
    const rules::SourceStatus* status = status_of(observation_, source);
    if (status == nullptr) return add(Level::unknown, source, about, "said nothing");
    if (status->health == rules::SourceHealth::refused) {
      return add(Level::bad, source, about, "is refused: " + status->detail);
    }
    if (std::holds_alternative<LogConfig>(source.of)) return check_log(source, *status);
    if (std::holds_alternative<ProbeConfig>(source.of)) return check_probe(source, *status);
    check_queues(source, std::get<QueuesConfig>(source.of), *status);
  }

  void check_versions(const rules::ServicePlan& plan) {
    const rules::ServiceStatus* status = status_of(observation_, plan.name);
    if (status == nullptr || requests_in(*status) == 0 || !status->versions.empty()) return;
    found_.push_back({Level::bad, plan.name, "versions",
                      "the requests in its logs name no version: a rollout cannot tell the "
                      "candidate from the baseline"});
  }

  /// Of a log that many services share, no line of its own says it.
  void check_durations(const rules::ServicePlan& plan) {
    const auto is_its_log = [&plan](const SourceConfig& source) {
      return source.service == plan.name && std::holds_alternative<LogConfig>(source.of);
    };
    if (std::ranges::any_of(config_.sources, is_its_log)) return;
    if (const std::string untold = untold_of(plan.name); !untold.empty())
      found_.push_back({Level::weak, plan.name, "logs", sanitize(untold, 500)});
  }

  Findings take() { return std::move(found_); }

 private:
  void add(Level level, const SourceConfig& source, std::string about, const std::string& what) {
    found_.push_back({level, source.service, std::move(about), sanitize(what, 500)});
  }

  /// How much came, and when the last of it did.
  [[nodiscard]] std::string amount_of(const rules::SourceStatus& status) const {
    if (!observation_.is_of_daemon) {
      return fmt::format("{} events, {:.1f} a second", status.events_total,
                         static_cast<double>(status.events_total) / std::max(lasted_, 1e-9));
    }
    const Duration ago =
        status.last_event ? observation_.snapshot.at - *status.last_event : Duration::max();
    return fmt::format("{} events since the daemon began, the last {} ago", status.events_total,
                       format_duration(std::chrono::ceil<std::chrono::seconds>(
                           std::clamp(ago, Duration::zero(), kLongAgo))));
  }
  /// What came once and comes no more is no evidence for the next rollout.
  [[nodiscard]] bool is_long_silent(const rules::SourceStatus& status) const {
    return observation_.is_of_daemon &&
           (status.blind || !status.last_event ||
            observation_.snapshot.at - *status.last_event > rules::kRecent);
  }

  /// Of a log that gives nothing now although its service had requests all the time before: what
  /// was to be expected since. Empty where the silence may be chance, or the pause of a log that
  /// comes in batches.
  [[nodiscard]] std::string missed_of(const SourceConfig& source,
                                      const rules::SourceStatus& status) const {
    if (!observation_.is_of_daemon || !status.last_event) return {};
    const Duration silent = observation_.snapshot.at - *status.last_event;
    const auto index = static_cast<std::size_t>(&source - config_.sources.data());
    if (silent < std::max(kSilenceMin, 2 * config_.plan.sources[index].lateness)) return {};
    const double missed = requests_per_second(observation_, source.service) * seconds(silent);
    if (missed < kMissedMin) return {};
    return fmt::format(
        ", where about {:.0f} requests were to be expected since: has the service stopped, or is "
        "its log not written any more?",
        missed);
  }

  /// Of a service whose rollouts would be judged by latency, and whose logs have none.
  [[nodiscard]] std::string untold_of(const std::string& service) const {
    const auto& plans = config_.plan.services;
    const auto plan = std::ranges::find(plans, service, &rules::ServicePlan::name);
    const rules::ServiceStatus* status = status_of(observation_, service);
    if (plan == plans.end() || status == nullptr || !plan->rollout.is_judged_by_default ||
        !plan->rollout.limits.judges_latency)
      return {};
    const std::uint64_t requests = requests_in(*status);
    std::uint64_t told = 0;
    for (const rules::SeriesTotals& series : status->series) told += series.latency_count;
    if (!rules::is_latency_untold(told, requests)) return {};
    return fmt::format(
        "{} of {} requests of {} told how long it took: default/latency would judge nothing, and "
        "no rollout would pass; log `wall_ms`, name your key (`latency field`), or say `limits: {{ "
        "p95 latency: off }}`",
        told == 0 ? "none" : fmt::format("only {}", told), requests, service);
  }

  void check_log(const SourceConfig& source, const rules::SourceStatus& status) {
    const std::string about = "source " + source.name;
    if (status.events_total > 0 && is_long_silent(status)) {
      return add(status.blind ? Level::bad : Level::unknown, source, about,
                 amount_of(status) + (status.blind ? ": it cannot be read: " + status.detail
                                                   : ": no traffic, or it is not logged here"));
    }
    if (status.events_total > 0) {
      std::string lacks = missed_of(source, status);
      if (const std::string untold = untold_of(source.service); !untold.empty())
        lacks += ", and " + untold;
      add(lacks.empty() ? Level::fine : Level::weak, source, about, amount_of(status) + lacks);
      if (status.used_total < status.documents_total) {
        add(Level::weak, source, about,
            fmt::format("{} of {} documents were of no use: {}",
                        status.documents_total - status.used_total, status.documents_total,
                        rejected_by(status)));
      }
      return;
    }
    if (status.documents_total > 0) {
      return add(Level::bad, source, about,
                 fmt::format("{} documents, and none was of use: {}", status.documents_total,
                             rejected_by(status)));
    }
    if (status.blind) {
      const std::string why = status.detail.empty() ? "it says nothing" : status.detail;
      return add(Level::bad, source, about, "cannot be read: " + why);
    }
    add(Level::unknown, source, about,
        fmt::format(
            "is alive, and nothing came in {}: no traffic, or it is not logged here",
            format_duration(std::chrono::round<std::chrono::seconds>(observation_.lasted))));
  }

  void check_probe(const SourceConfig& source, const rules::SourceStatus& status) {
    const std::string about = "probe " + source.name;
    const rules::ServiceStatus* service = status_of(observation_, source.service);
    const rules::ProbeStatus* last = nullptr;
    if (service != nullptr) {
      const auto found =
          std::ranges::find(service->probes, source.name, &rules::ProbeStatus::probe);
      if (found != service->probes.end()) last = &*found;
    }
    if (last == nullptr) {
      return add(Level::unknown, source, about,
                 status.detail.empty() ? "gave no answer yet" : status.detail);
    }
    if (last->passing) {
      return add(Level::fine, source, about,
                 fmt::format("passes in {:.0f}ms", last->latency_seconds.value_or(0) * 1000));
    }
    add(Level::bad, source, about,
        fmt::format("fails ({}): {}", rules::name_of(last->failure), last->detail));
  }

  void check_queues(const SourceConfig& source, const QueuesConfig& queues,
                    const rules::SourceStatus& status) {
    if (status.blind) {
      return add(Level::unknown, source, "source " + source.name,
                 "redis cannot be reached: " + status.detail);
    }
    add(Level::fine, source, "source " + source.name, "redis answers");
    const rules::ServiceStatus* service = status_of(observation_, source.service);
    const auto depth_of = [service](const std::string& name) {
      if (service == nullptr) return std::optional<std::uint64_t>{};
      const auto found = std::ranges::find(service->queues, name, &rules::QueueStatus::queue);
      return found == service->queues.end() ? std::nullopt : found->last.depth;
    };
    for (const std::string& name : queues.names) {
      if (const auto depth = depth_of(name)) {
        add(Level::fine, source, "queue " + name, fmt::format("{} jobs wait", *depth));
      } else {
        add(Level::bad, source, "queue " + name,
            fmt::format("there is no {}:{}:meta in redis: no such queue, or another prefix",
                        queues.prefix, name));
      }
    }
    if (!queues.names.empty()) return;
    const std::size_t count = service == nullptr ? 0 : service->queues.size();
    add(count > 0 ? Level::fine : Level::bad, source, "queues",
        fmt::format("{} are found under the prefix {}", count, queues.prefix));
  }

  const Config& config_;
  const Observation& observation_;
  const double lasted_;
  Findings found_;
};

}  // namespace

Findings check_evidence(const Config& config, const Observation& observation) {
  EvidenceCheck check(config, observation);
  for (const SourceConfig& source : config.sources) check.check(source);
  for (const rules::ServicePlan& plan : config.plan.services) {
    check.check_versions(plan);
    check.check_durations(plan);
  }
  return check.take();
}

double requests_per_second(const Observation& observation, const std::string& service) {
  const rules::ServiceStatus* status = status_of(observation, service);
  if (status == nullptr || status->recent_over <= Duration::zero()) return 0;
  std::uint64_t requests = 0;
  for (const rules::VersionRequests& one : status->recent) requests += one.requests;
  return static_cast<double>(requests) / seconds(status->recent_over);
}

std::vector<std::string> versions_seen(const Observation& observation, const std::string& service) {
  const rules::ServiceStatus* status = status_of(observation, service);
  return status == nullptr ? std::vector<std::string>{} : status->versions;
}

}  // namespace belay::monitor
