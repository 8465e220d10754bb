#include "exporters/json.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "rules/language/rule_check.h"

namespace belay::exporters {
namespace {

using nlohmann::ordered_json;

template <typename Value>
void put_if(ordered_json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

void put_if(ordered_json& json, const char* key, const std::optional<Instant>& at) {
  if (at) json[key] = unix_ms(*at);
}

void put_if(ordered_json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

template <typename Range>
ordered_json array_of(const Range& range) {
  ordered_json array = ordered_json::array();
  for (const auto& item : range) array.push_back(json_of(item));
  return array;
}

const char* unit_of(rules::Dimension dimension) {
  switch (dimension) {
    case rules::Dimension::share:
      return "share";
    case rules::Dimension::points:
      return "points";
    case rules::Dimension::duration:
      return "seconds";
    case rules::Dimension::per_second:
      return "per_second";
    case rules::Dimension::count:
      return "count";
    case rules::Dimension::bytes:
      return "bytes";
  }
  return "count";
}

}  // namespace

ordered_json json_of(const rules::SeriesTotals& series) {
  ordered_json json{{"route", series.route}, {"version", series.version}};
  json["requests"] = series.requests;
  json["errors"] = series.errors;
  json["exceptions"] = series.exceptions;
  ordered_json classes = ordered_json::object();
  constexpr const char* kNames[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < series.by_status_class.size(); ++i) {
    if (series.by_status_class[i] > 0) classes[kNames[i]] = series.by_status_class[i];
  }
  json["by_status_class"] = std::move(classes);
  json["latency_count"] = series.latency_count;
  json["latency_sum_seconds"] = series.latency_sum_seconds;
  return json;
}

ordered_json json_of(const rules::QueueStatus& queue) {
  ordered_json json{{"queue", queue.queue}, {"at_ms", unix_ms(queue.last.at)}};
  put_if(json, "waiting", queue.last.waiting);
  put_if(json, "depth", queue.last.depth);
  put_if(json, "active", queue.last.active);
  put_if(json, "delayed", queue.last.delayed);
  put_if(json, "failed", queue.last.failed);
  if (queue.last.oldest) json["oldest_seconds"] = seconds(*queue.last.oldest);
  json["completed_total"] = queue.totals.completed;
  json["failed_attempts_total"] = queue.totals.failed_attempts;
  json["retries_total"] = queue.totals.retries;
  json["stalled_total"] = queue.totals.stalled;
  return json;
}

ordered_json json_of(const rules::ProbeStatus& probe) {
  ordered_json json{{"probe", probe.probe}};
  put_if(json, "version", probe.version);
  json["passing"] = probe.passing;
  if (probe.failure != rules::ProbeFailure::none) json["failure"] = name_of(probe.failure);
  put_if(json, "detail", probe.detail);
  put_if(json, "latency_seconds", probe.latency_seconds);
  json["passed_total"] = probe.passed_total;
  json["failed_total"] = probe.failed_total;
  json["at_ms"] = unix_ms(probe.at);
  return json;
}

ordered_json json_of(const rules::TopFailure& failure) {
  ordered_json json{{"name", failure.name}, {"bad", failure.bad}};
  if (failure.total > 0) json["total"] = failure.total;
  return json;
}

ordered_json json_of(const rules::RolloutNumbers& numbers) {
  const auto counts = [](const rules::PairCounts::Of& of) {
    return ordered_json{{"bad", of.bad}, {"total", of.total}};
  };
  ordered_json json{{"compared", rules::name_of(numbers.compared)},
                    {"window_seconds", seconds(numbers.window)},
                    {"candidate", counts(numbers.counts[rules::Role::candidate])},
                    {"baseline", counts(numbers.counts[rules::Role::baseline])}};
  json["odds"] = numbers.odds;
  json["odds_limit"] = numbers.odds_limit;
  json["margin"] = numbers.margin;
  json["traffic_share"] = numbers.traffic;
  json["bad_share"] = numbers.share;
  json["bad_share_allowed"] = numbers.allowed;
  json["excess"] = numbers.excess;
  json["rate_low"] = numbers.interval.low;
  json["rate_high"] = numbers.interval.high;
  json["since_start"] = {{"candidate", counts(numbers.since_start[rules::Role::candidate])},
                         {"baseline", counts(numbers.since_start[rules::Role::baseline])}};
  json["routes"] = array_of(numbers.routes);
  json["reasons"] = array_of(numbers.reasons);
  json["exceptions"] = array_of(numbers.exceptions);
  return json;
}

ordered_json json_of(const rules::RolloutStatus& rollout) {
  ordered_json json{
      {"id", rollout.id}, {"service", rollout.service}, {"candidate", rollout.candidate}};
  put_if(json, "baseline", rollout.baseline);
  json["mode"] = name_of(rollout.mode);
  json["state"] = name_of(rollout.state);
  if (rollout.held) json["held"] = name_of(*rollout.held);
  json["verdict"] = name_of(rollout.verdict);
  if (rollout.unknown) json["unknown"] = name_of(*rollout.unknown);
  put_if(json, "why", rollout.why);
  put_if(json, "failed_by", rollout.rule);
  json["steps"] = rules::steps_text(rollout.steps);
  json["step"] = rollout.step;
  json["step_count"] = rollout.steps.size();
  json["started_ms"] = unix_ms(rollout.started);
  json["step_started_ms"] = unix_ms(rollout.step_started);
  json["ends_ms"] = unix_ms(rollout.ends);
  put_if(json, "ended_ms", rollout.ended);
  if (rollout.is_driving) json["driving"] = true;
  if (rollout.is_irreversible) json["irreversible"] = true;
  put_if(json, "train", rollout.train);
  if (rollout.train_began) {
    json["train_began_ms"] = unix_ms(*rollout.train_began);
    json["after"] = rollout.after;
    json["on_train_fail"] = rollout.takes_all_back ? "all" : "this";
  }
  put_if(json, "commit", rollout.commit);
  put_if(json, "committed_at_ms", rollout.committed_at);
  put_if(json, "by", rollout.by);
  if (rollout.comparison) json["comparison"] = json_of(*rollout.comparison);
  put_if(json, "failing_since_ms", rollout.failing_since);
  json["intents"] = rollout.intents;
  json["rules"] = array_of(rollout.rules);
  json["timeline"] = ordered_json::array();
  for (const rules::RolloutStatus::Moment& moment : rollout.timeline) {
    json["timeline"].push_back({{"at_ms", unix_ms(moment.at)},
                                {"state", name_of(moment.state)},
                                {"step", moment.step},
                                {"what", moment.what}});
  }
  return json;
}

ordered_json json_of(const rules::ActionStatus& action) {
  ordered_json json{{"intent", action.intent}, {"action", action.kind}, {"rule", action.rule}};
  put_if(json, "target", action.target);
  json["at_ms"] = unix_ms(action.at);
  if (action.phase) json["phase"] = name_of(*action.phase);
  put_if(json, "verified", action.verified.value_or(""));
  return json;
}

ordered_json json_of(const rules::Evidence& evidence) {
  ordered_json json{{"what", evidence.what}, {"truth", name_of(evidence.truth)}};
  if (evidence.unknown) json["unknown"] = name_of(*evidence.unknown);
  if (evidence.has_value) json["value"] = evidence.value;
  json["threshold"] = evidence.threshold;
  json["unit"] = unit_of(evidence.dimension);
  json["numerator"] = evidence.numerator;
  json["denominator"] = evidence.denominator;
  put_if(json, "samples_min", evidence.samples_min);
  json["window_seconds"] = seconds(evidence.window);
  if (!evidence.note.empty()) json["note"] = evidence.note;
  if (evidence.by_wall_time) json["wall_time"] = true;
  json["text"] = describe(evidence);
  return json;
}

ordered_json json_of(const rules::RuleStatus& status) {
  ordered_json json{{"service", status.service},
                    {"rule", status.rule},
                    {"sentence", status.sentence},
                    {"then", then_text(status.then)},
                    {"severity", name_of(status.severity)},
                    {"truth", name_of(status.truth)}};
  if (status.unknown) json["unknown"] = name_of(*status.unknown);
  json["firing"] = status.firing;
  put_if(json, "bad_since_ms", status.bad_since);
  put_if(json, "firing_since_ms", status.firing_since);
  if (status.was_bad_before) json["was_bad_before"] = true;
  json["evidence"] = array_of(status.evidence);
  return json;
}

ordered_json json_of(const rules::Notice& notice) {
  ordered_json json{
      {"notice", name_of(notice.kind)}, {"at_ms", unix_ms(notice.at)}, {"service", notice.service}};
  put_if(json, "rule", notice.rule);
  json["severity"] = name_of(notice.severity);
  json["page"] = notice.page;
  put_if(json, "candidate", notice.candidate);
  put_if(json, "baseline", notice.baseline);
  json["headline"] = notice.headline;
  json["details"] = notice.details;
  json["evidence"] = array_of(notice.evidence);
  put_if(json, "intent", notice.intent);
  return json;
}

ordered_json json_of(const rules::SourceStatus& source) {
  ordered_json json{{"source", source.name}};
  put_if(json, "service", source.service);
  json["kind"] = name_of(source.kind);
  json["health"] = name_of(source.health);
  json["blind"] = source.blind;
  put_if(json, "detail", source.detail);
  put_if(json, "last_event_ms", source.last_event);
  if (source.lag) json["lag_seconds"] = seconds(*source.lag);
  json["events"] = source.events_total;
  json["documents"] = source.documents_total;
  json["used"] = source.used_total;
  json["rejected"] = source.rejected_total;
  json["lost"] = source.lost_total;
  return json;
}

ordered_json json_of(const rules::ServiceStatus& service) {
  ordered_json json{{"service", service.name},
                    {"mode", name_of(service.mode)},
                    {"verdict", name_of(service.verdict)}};
  if (service.unknown) json["unknown"] = name_of(*service.unknown);
  put_if(json, "disarmed_until_ms", service.disarmed_until);
  if (!service.aliases.empty()) json["aliases"] = service.aliases;
  json["versions"] = service.versions;
  if (service.rollout) json["rollout"] = json_of(*service.rollout);
  json["rules"] = array_of(service.rules);
  json["series"] = array_of(service.series);
  json["recent"] = {{"over_ms", service.recent_over / std::chrono::milliseconds{1}},
                    {"requests", ordered_json::array()}};
  for (const rules::VersionRequests& one : service.recent) {
    json["recent"]["requests"].push_back({{"version", one.version}, {"requests", one.requests}});
  }
  json["queues"] = array_of(service.queues);
  json["probes"] = array_of(service.probes);
  json["actions"] = array_of(service.actions);
  json["actions_total"] = service.actions_total;
  return json;
}

ordered_json json_of(const rules::Snapshot& snapshot) {
  return {
      {"at_ms", unix_ms(snapshot.at)},           {"steps", snapshot.steps_total},
      {"events", snapshot.events_total},         {"series_dropped", snapshot.series_dropped_total},
      {"services", array_of(snapshot.services)}, {"sources", array_of(snapshot.sources)}};
}

std::string text_of(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace belay::exporters
