#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporters/metrics_text.h"

namespace belay::exporters {

enum class Metric : std::uint8_t {
  build_info,
  engine_steps,
  events,
  last_step,
  series_dropped,
  config_good,
  config_taken,
  source_up,
  source_documents,
  source_used,
  source_rejected,
  source_lost,
  source_last_event,
  source_lag,
  requests,
  request_errors,
  request_exceptions,
  request_duration,
  route_requests,
  route_errors,
  version_info,
  rule_state,
  rule_firing,
  rule_value,
  rule_threshold,
  rule_samples,
  verdict,
  mode,
  disarmed_until,
  gate_running,
  gate_ends,
  actions,
  deployments,
  deployment_lead_time,
  deployment_recovery,
  queue_jobs,
  queue_depth,
  queue_oldest,
  queue_completed,
  queue_failed_attempts,
  queue_retries,
  queue_stalled,
  probe_success,
  probe_duration,
  probes,
  ingest_posts,
  notifications,
  notifications_waiting,
};

/// Every metric that Belay exports. docs/metrics.md lists the same ones, and a test holds them
/// together.
struct MetricFamily {
  Metric metric;
  std::string_view name;
  MetricType type;
  std::string_view labels;  ///< As documented: "service, role".
  std::string_view help;
};

/// In the order of the enumeration, and of the page.
inline constexpr std::array kMetricFamilies = {
    MetricFamily{Metric::build_info, "belay_build_info", MetricType::gauge, "version",
                 "The running version; always 1."},
    MetricFamily{Metric::engine_steps, "belay_engine_steps_total", MetricType::counter, "",
                 "Steps of the engine; stands still when the engine does."},
    MetricFamily{Metric::events, "belay_events_total", MetricType::counter, "",
                 "Events that reached the engine, the refused ones included."},
    MetricFamily{Metric::last_step, "belay_last_step_timestamp_seconds", MetricType::gauge, "",
                 "Engine time of the last step."},
    MetricFamily{
        Metric::series_dropped, "belay_series_dropped_total", MetricType::counter, "reason",
        "What the bounds on series left out: events counted under the route other (routes), "
        "series missing from the pages before this one (page)."},
    MetricFamily{Metric::config_good, "belay_config_last_reload_successful", MetricType::gauge, "",
                 "1 if the configuration was taken when it was read last, at the start or by "
                 "SIGHUP; 0 if it was refused and the one before goes on."},
    MetricFamily{Metric::config_taken, "belay_config_last_reload_success_timestamp_seconds",
                 MetricType::gauge, "", "When the configuration in use was taken."},
    MetricFamily{Metric::source_up, "belay_source_up", MetricType::gauge, "service, source",
                 "1 while the source can be read, however long nothing comes from it; else 0: what "
                 "it judges is unknown."},
    MetricFamily{Metric::source_documents, "belay_source_documents_total", MetricType::counter,
                 "service, source", "Documents read; used plus rejected."},
    MetricFamily{Metric::source_used, "belay_source_used_total", MetricType::counter,
                 "service, source", "Documents that became evidence."},
    MetricFamily{Metric::source_rejected, "belay_source_rejected_total", MetricType::counter,
                 "service, source, reason", "Documents and events that were refused, by reason."},
    MetricFamily{Metric::source_lost, "belay_source_lost_total", MetricType::counter,
                 "service, source, reason",
                 "Evidence lost on the way, by reason; the windows over it are incomplete."},
    MetricFamily{Metric::source_last_event, "belay_source_last_event_timestamp_seconds",
                 MetricType::gauge, "service, source",
                 "Engine time at which the newest event came."},
    MetricFamily{Metric::source_lag, "belay_source_lag_seconds", MetricType::gauge,
                 "service, source", "How long the newest event took from its end to the engine."},
    MetricFamily{Metric::requests, "belay_requests_total", MetricType::counter,
                 "service, role, code_class",
                 "Requests by the role that their version had when they were counted."},
    MetricFamily{Metric::request_errors, "belay_request_errors_total", MetricType::counter,
                 "service, role",
                 "Requests that were errors: a status of 500 or above, or a bad outcome."},
    MetricFamily{Metric::request_exceptions, "belay_request_exceptions_total", MetricType::counter,
                 "service, role", "Requests with an exception, whatever their outcome."},
    MetricFamily{Metric::request_duration, "belay_request_duration_seconds", MetricType::histogram,
                 "service, role", "Latency of the requests that reported one."},
    MetricFamily{Metric::route_requests, "belay_route_requests_total", MetricType::counter,
                 "service, route", "Requests by route; over the cap they count as other."},
    MetricFamily{Metric::route_errors, "belay_route_errors_total", MetricType::counter,
                 "service, route", "Errors by route; over the cap they count as other."},
    MetricFamily{Metric::version_info, "belay_version_info", MetricType::gauge,
                 "service, role, version", "The versions seen and their roles; always 1."},
    MetricFamily{Metric::rule_state, "belay_rule_state", MetricType::gauge, "service, rule, state",
                 "1 for the state the rule is in: fine, bad or unknown."},
    MetricFamily{Metric::rule_firing, "belay_rule_firing", MetricType::gauge,
                 "service, rule, severity", "1 while the rule fires."},
    MetricFamily{Metric::rule_value, "belay_rule_value", MetricType::gauge,
                 "service, rule, condition",
                 "The value judged, in base units; absent when it is not known."},
    MetricFamily{Metric::rule_threshold, "belay_rule_threshold", MetricType::gauge,
                 "service, rule, condition", "What the value is held against, in base units."},
    MetricFamily{Metric::rule_samples, "belay_rule_samples", MetricType::gauge,
                 "service, rule, condition", "Samples in the window of the condition."},
    MetricFamily{Metric::verdict, "belay_verdict", MetricType::gauge, "service, verdict",
                 "1 for the verdict on the service: pass, fail or unknown."},
    MetricFamily{Metric::mode, "belay_mode", MetricType::gauge, "service, mode",
                 "1 for the mode of the service: observe, recommend or enforce."},
    MetricFamily{Metric::disarmed_until, "belay_disarmed_until_timestamp_seconds",
                 MetricType::gauge, "service",
                 "Until when an operator forbids every action; absent when none does."},
    MetricFamily{Metric::gate_running, "belay_gate_running", MetricType::gauge, "service",
                 "1 while a gate judges a candidate."},
    MetricFamily{Metric::gate_ends, "belay_gate_ends_timestamp_seconds", MetricType::gauge,
                 "service", "When the running gate ends."},
    MetricFamily{Metric::actions, "belay_actions_total", MetricType::counter,
                 "service, action, result", "Actions by what became of them."},
    MetricFamily{Metric::deployments, "belay_deployments_total", MetricType::counter,
                 "service, result, verdict",
                 "Rollouts that ended, by how they ended and what they were found to be; those of "
                 "before a restart included."},
    MetricFamily{Metric::deployment_lead_time, "belay_deployment_lead_time_seconds",
                 MetricType::histogram, "service",
                 "From the commit to the promotion, of promoted rollouts whose commit has a time; "
                 "those of before a restart included."},
    MetricFamily{Metric::deployment_recovery, "belay_deployment_recovery_seconds",
                 MetricType::histogram, "service",
                 "From the first sign of a failure to its verified recovery; those of before a "
                 "restart included."},
    MetricFamily{Metric::queue_jobs, "belay_queue_jobs", MetricType::gauge, "service, queue, state",
                 "Jobs in the queue; absent when it is not known."},
    MetricFamily{
        Metric::queue_depth, "belay_queue_depth", MetricType::gauge, "service, queue",
        "Jobs that nobody works on yet and nothing delays: waiting, paused and prioritized ones."},
    MetricFamily{Metric::queue_oldest, "belay_queue_oldest_seconds", MetricType::gauge,
                 "service, queue", "Age of the oldest waiting job."},
    MetricFamily{Metric::queue_completed, "belay_queue_completed_total", MetricType::counter,
                 "service, queue", "Jobs completed."},
    MetricFamily{Metric::queue_failed_attempts, "belay_queue_failed_attempts_total",
                 MetricType::counter, "service, queue",
                 "Attempts that failed, the retried ones included."},
    MetricFamily{Metric::queue_retries, "belay_queue_retries_total", MetricType::counter,
                 "service, queue", "Attempts that were retried."},
    MetricFamily{Metric::queue_stalled, "belay_queue_stalled_total", MetricType::counter,
                 "service, queue", "Jobs that stalled."},
    MetricFamily{Metric::probe_success, "belay_probe_success", MetricType::gauge,
                 "service, probe, role", "1 if the last probe passed."},
    MetricFamily{Metric::probe_duration, "belay_probe_duration_seconds", MetricType::gauge,
                 "service, probe, role", "How long the last answered probe took."},
    MetricFamily{Metric::probes, "belay_probes_total", MetricType::counter,
                 "service, probe, result", "Probes by result."},
    MetricFamily{Metric::ingest_posts, "belay_ingest_posts_total", MetricType::counter,
                 "service, source, result",
                 "Posts for a source: accepted, or refused with 429, and then nothing was taken."},
    MetricFamily{Metric::notifications, "belay_notifications_total", MetricType::counter,
                 "sink, result", "Messages by what became of them: sent, failed, dropped."},
    MetricFamily{Metric::notifications_waiting, "belay_notifications_waiting", MetricType::gauge,
                 "sink", "Messages that wait to be sent."},
};

constexpr bool every_metric_has_its_row() {
  for (std::size_t i = 0; i < kMetricFamilies.size(); ++i)
    if (kMetricFamilies[i].metric != static_cast<Metric>(i)) return false;
  return kMetricFamilies.back().metric == Metric::notifications_waiting;
}
static_assert(every_metric_has_its_row());

constexpr const MetricFamily& family_of(Metric metric) {
  return kMetricFamilies[static_cast<std::size_t>(metric)];
}

inline void open(MetricsText& text, Metric metric) {
  const MetricFamily& family = family_of(metric);
  text.family(family.name, family.help, family.type);
}

}  // namespace belay::exporters
