// Evidence that is no request: answers of probes, polls of queues, numbers that are reported.

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/sanitize.h"
#include "rules/engine_state.h"

namespace belay::rules {
namespace {

constexpr std::size_t kQueuesPerServiceMax = 1000;
constexpr std::size_t kVersionsOfProbeMax = 20;

bool is_windowed_from(const Window& window, Instant at) { return at >= window.since; }

}  // namespace

void Engine::State::take(const Probe& probe) {
  SourceRecord& from = source(probe.source);
  Refusal refusal = admit(from, probe.at);
  std::uint32_t found = 0;
  if (refusal == Refusal::none) refusal = find_service(from, kNoText, found);
  const std::optional<NameId> version = from.name(probe.version);
  if (refusal == Refusal::none && !version) refusal = Refusal::undefined_text;
  from.book(refusal, probe.at);
  if (refusal != Refusal::none) return;
  Service& service = *services_[found];
  service.has_news = true;
  const bool failed = probe.failure != ProbeFailure::none;
  const TimeBuckets at(probe.at);
  for (Window* window : service.evidence.windows.of(WindowSpec::Of::probe)) {
    const WindowSpec& spec = window->spec;
    if (spec.name != from.plan().name || !spec.version.takes_or_none(*version) ||
        !is_windowed_from(*window, probe.at) || (spec.counted == Counted::failure && !failed))
      continue;
    Request as_call{.at = probe.at, .latency_us = probe.latency_us};
    feed(*window, buckets_, at, as_call);
  }
  ProbeLog& log = service.evidence.probes[static_cast<std::uint32_t>(probe.source)];
  const ProbeLog::Answer answer{.at = probe.at,
                                .version = *version,
                                .failure = probe.failure,
                                .detail = sanitize(text_of(probe.source, probe.detail))};
  auto place = log.answers.end();
  while (place != log.answers.begin() && std::prev(place)->at > probe.at) --place;
  log.answers.insert(place, answer);
  if (log.answers.size() > ProbeLog::kAnswersMax) log.answers.pop_front();
  const std::string& version_text = names_.text(*version);
  if (log.by_version.size() >= kVersionsOfProbeMax && !log.by_version.contains(version_text))
    log.by_version.erase(std::min_element(
        log.by_version.begin(), log.by_version.end(),
        [](const auto& left, const auto& right) { return left.second.at < right.second.at; }));
  ProbeStatus& status = log.by_version[version_text];
  ++(failed ? status.failed_total : status.passed_total);
  if (probe.at < status.at) return;
  rollouts_[found]->probed(from.plan().name, answer);
  status.probe = from.plan().name;
  status.version = version_text;
  status.passing = !failed;
  status.failure = probe.failure;
  status.detail = answer.detail;
  status.latency_seconds.reset();
  if (probe.latency_us) status.latency_seconds = *probe.latency_us / 1e6;
  status.at = probe.at;
}

namespace {

std::optional<double> gauge_of(const QueueSample& sample, GaugeMeasure::Kind kind) {
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? std::optional<double>(static_cast<double>(*value)) : std::nullopt;
  };
  switch (kind) {
    case GaugeMeasure::Kind::depth:
      return number(sample.depth);
    case GaugeMeasure::Kind::waiting:
      return number(sample.waiting);
    case GaugeMeasure::Kind::active:
      return number(sample.active);
    case GaugeMeasure::Kind::delayed:
      return number(sample.delayed);
    case GaugeMeasure::Kind::failed:
      return number(sample.failed);
    case GaugeMeasure::Kind::oldest:
      return sample.oldest ? std::optional<double>(seconds(*sample.oldest)) : std::nullopt;
    case GaugeMeasure::Kind::value:
      return std::nullopt;
  }
  return std::nullopt;
}

/// What a window counts of a queue's flow.
std::uint32_t count_of(const QueueSample::Flow& flow, const WindowSpec& spec) {
  if (spec.flow == WindowSpec::Flow::samples) return 1;
  if (spec.flow == WindowSpec::Flow::stalls) return flow.stalled;
  switch (spec.counted) {
    case Counted::failure:
      return flow.failed_attempts;
    case Counted::retries:
      return flow.retries;
    default:
      return flow.completed + flow.failed_attempts;
  }
}

}  // namespace

void Engine::State::feed_flow(Service& service, const std::string& queue,
                              const QueueSample& sample) {
  const TimeBuckets at(sample.at);
  for (Window* window : service.evidence.windows.of(WindowSpec::Of::queue)) {
    const WindowSpec& spec = window->spec;
    if (spec.name != queue || !is_windowed_from(*window, sample.at)) continue;
    if (spec.kind == WindowSpec::Kind::gauge) {
      if (const std::optional<double> value = gauge_of(sample, spec.gauge))
        std::get<GaugeWindow>(window->ring).add(buckets_, sample.at, *value);
    } else if (spec.kind == WindowSpec::Kind::count && sample.flow) {
      std::get<CountWindow>(window->ring).add(buckets_, at, count_of(*sample.flow, spec));
    }
  }
}

void Engine::State::take(const QueueSample& sample) {
  SourceRecord& from = source(sample.source);
  Refusal refusal = admit(from, sample.at);
  std::uint32_t found = 0;
  if (refusal == Refusal::none) refusal = find_service(from, kNoText, found);
  const std::optional<NameId> name = from.name(sample.queue);
  if (refusal == Refusal::none && !name) refusal = Refusal::undefined_text;
  const std::string queue = name ? names_.text(*name) : std::string();
  if (refusal == Refusal::none) {
    const std::map<std::string, QueueStatus>& known = services_[found]->evidence.queues;
    if (known.size() >= kQueuesPerServiceMax && !known.contains(queue))
      refusal = Refusal::too_many_queues;
  }
  from.book(refusal, sample.at);
  if (refusal != Refusal::none) return;
  Service& service = *services_[found];
  service.has_news = true;
  std::map<std::string, QueueStatus>& queues = service.evidence.queues;
  if (sample.is_gone) {
    service.evidence.queues_changed += queues.erase(queue);
    return;
  }
  feed_flow(service, queue, sample);
  if (!queues.contains(queue)) ++service.evidence.queues_changed;
  QueueStatus& status = queues[queue];
  status.queue = queue;
  if (sample.at >= status.last.at) status.last = sample;
  if (!sample.flow) return;
  status.totals.completed += sample.flow->completed;
  status.totals.failed_attempts += sample.flow->failed_attempts;
  status.totals.retries += sample.flow->retries;
  status.totals.stalled += sample.flow->stalled;
}

void Engine::State::take(const Measurement& measurement) {
  SourceRecord& from = source(measurement.source);
  Refusal refusal = admit(from, measurement.at);
  if (refusal == Refusal::none && !std::isfinite(measurement.value))
    refusal = Refusal::not_a_number;
  std::uint32_t found = 0;
  if (refusal == Refusal::none) refusal = find_service(from, measurement.service, found);
  const std::optional<NameId> version = from.name(measurement.version);
  const std::optional<NameId> name = from.name(measurement.name);
  if (refusal == Refusal::none && (!version || !name)) refusal = Refusal::undefined_text;
  from.book(refusal, measurement.at);
  if (refusal != Refusal::none) return;
  Service& service = *services_[found];
  service.has_news = true;
  note_source(service, static_cast<std::uint32_t>(measurement.source));
  const bool is_gauge = measurement.kind == Measurement::Kind::gauge;
  const TimeBuckets at(measurement.at);
  for (Window* window : service.evidence.windows.of(is_gauge ? WindowSpec::Of::prometheus
                                                             : WindowSpec::Of::metric)) {
    const WindowSpec& spec = window->spec;
    if (spec.name != names_.text(*name) || !is_windowed_from(*window, measurement.at)) continue;
    if (is_gauge ? !spec.version.takes_or_none(*version) : !spec.version.takes(*version)) continue;
    window->was_reported = true;
    switch (spec.kind) {
      case WindowSpec::Kind::count:
      case WindowSpec::Kind::reported:
        if (spec.counted == Counted::all || measurement.value != 0)
          std::get<CountWindow>(window->ring).add(buckets_, at);
        break;
      case WindowSpec::Kind::above:
        if (measurement.value > spec.threshold)
          std::get<CountWindow>(window->ring).add(buckets_, at);
        break;
      case WindowSpec::Kind::quantile:
        std::get<QuantileWindow>(window->ring).add(buckets_, at, bucket_of(measurement.value));
        break;
      case WindowSpec::Kind::value:
        std::get<ValueWindow>(window->ring).add(buckets_, measurement.at, measurement.value);
        break;
      case WindowSpec::Kind::gauge:
        std::get<GaugeWindow>(window->ring).add(buckets_, measurement.at, measurement.value);
        break;
    }
  }
}

}  // namespace belay::rules
