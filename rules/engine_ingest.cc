#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/engine_state.h"

namespace belay::rules {
namespace {

constexpr std::size_t kQueuesPerServiceMax = 1000;
constexpr std::size_t kVersionsOfProbeMax = 20;

bool is_windowed_from(const Window& window, Instant at) { return at >= window.spec.since; }

}  // namespace

SourceRecord& Engine::State::source(SourceId id) {
  const auto index = static_cast<std::size_t>(id);
  BELAY_CHECK(index < sources_.size(), "an event names a source that is not in the plan");
  return *sources_[index];
}

std::string Engine::State::text_of(SourceId id, TextId text) const {
  const std::optional<NameId> name = sources_[static_cast<std::size_t>(id)]->name(text);
  return name ? names_.text(*name) : std::string();
}

Refusal Engine::State::admit(SourceRecord& from, Instant at) const {
  if (from.is_retired()) return Refusal::unknown_service;
  return from.admit(at, earliest_, now_, plan_.unlimited_lateness);
}

void Engine::State::assign_sources(Service& service) {
  for (std::size_t kind = 0; kind < service.evidence.sources_by_kind.size(); ++kind) {
    std::vector<std::uint32_t> own;
    std::vector<std::uint32_t> shared;
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
      const SourcePlan& plan = sources_[i]->plan();
      if (sources_[i]->is_retired()) continue;
      if (static_cast<std::size_t>(plan.kind) != kind) continue;
      const auto named = service_by_name_.find(plan.service);
      if (plan.service.empty()) {
        shared.push_back(i);
      } else if (named != service_by_name_.end() && services_[named->second].get() == &service) {
        own.push_back(i);
      }
    }
    // A shared source speaks for a service that has none of its own, or once it has spoken of it.
    service.evidence.sources_by_kind[kind] = own.empty() ? std::move(shared) : std::move(own);
  }
}

void Engine::State::note_source(Service& service, std::uint32_t index) {
  if (sources_[index]->is_retired()) return;
  const auto kind = static_cast<std::size_t>(sources_[index]->plan().kind);
  std::vector<std::uint32_t>& listed = service.evidence.sources_by_kind[kind];
  if (std::find(listed.begin(), listed.end(), index) == listed.end()) listed.push_back(index);
}

Service& Engine::State::add_service(ServicePlan plan, Instant watched_since) {
  const auto index = static_cast<std::uint32_t>(services_.size());
  name_service(index, plan.name);
  for (const std::string& alias : plan.aliases) name_service(index, alias);
  Service& service = *services_.emplace_back(
      std::make_unique<Service>(std::move(plan), plan_.routes_per_service_max));
  rollouts_.push_back(std::make_unique<Rollout>(service, names_, book_, watched_since));
  service.evidence.names = &names_;
  service.evidence.sources = &sources_;
  return service;
}

Refusal Engine::State::find_service(const SourceRecord& from, TextId text, std::uint32_t& found) {
  const std::optional<NameId> name = from.name(text);
  if (!name) return Refusal::undefined_text;
  return find_service_named(*name == kNoName ? from.plan().service : names_.text(*name), found);
}

Refusal Engine::State::find_service_named(const std::string& wanted, std::uint32_t& found) {
  if (const auto known = service_by_name_.find(wanted); known != service_by_name_.end()) {
    found = known->second;
    return Refusal::none;
  }
  if (wanted.empty() || !plan_.any_service) return Refusal::unknown_service;
  if (services_.size() >= plan_.services_max) return Refusal::too_many_services;
  ServicePlan plan = *plan_.any_service;
  plan.name = wanted;
  plan.aliases.clear();
  Service& service = add_service(std::move(plan), start_);
  assign_sources(service);
  service.bind(clock_);
  found = static_cast<std::uint32_t>(services_.size() - 1);
  return Refusal::none;
}

Refusal Engine::State::fill_cell(const Request& request, Cell& cell) {
  const SourceRecord& from = source(request.source);
  const Refusal refusal = find_service(from, request.service, cell.service);
  if (refusal != Refusal::none) return refusal;
  const std::optional<NameId> version = from.name(request.version);
  const std::optional<NameId> route = from.name(request.route);
  const std::optional<NameId> method = from.name(request.method);
  const std::optional<NameId> outcome = from.name(request.outcome);
  if (!version || !route || !method || !outcome) return Refusal::undefined_text;
  cell.call = Call{.version = *version,
                   .route = *route,
                   .method = *method,
                   .outcome = *outcome,
                   .status = request.status,
                   .invocation = request.invocation,
                   .has_exception = request.exceptions > 0,
                   .is_error = is_error(request.status, names_.text(*outcome))};
  Service& service = *services_[cell.service];
  note_source(service, static_cast<std::uint32_t>(request.source));
  cell.version_slot = service.version_slot(*version, plan_.versions_per_service_max,
                                           rollouts_[cell.service]->spared());
  cell.series = service.series.find_or_add({.version = *version, .route = *route});
  cell.feeds = service.evidence.windows.fed_by(cell.call, names_);
  cell.paired.reset();
  if (service.evidence.paired != nullptr && request.invocation == Invocation::fetch)
    cell.paired = service.evidence.paired->place(*version, *route, *outcome, cell.call.is_error);
  cell.epoch = service.epoch;
  return Refusal::none;
}

Cell& Engine::State::cell_of(const Request& request) {
  const CellKey key(request);
  Cell* cell = cells_.find(key);
  if (cell != nullptr &&
      (cell->refusal == Refusal::unknown_service ||
       (cell->refusal == Refusal::none && cell->epoch == services_[cell->service]->epoch)))
    return *cell;
  if (cell == nullptr) cell = &cells_.add(key);
  cell->refusal = fill_cell(request, *cell);
  return *cell;
}

void Engine::State::take(const Request& request) {
  SourceRecord& from = source(request.source);
  Refusal refusal = admit(from, request.at);
  Cell* cell = nullptr;
  if (refusal == Refusal::none) {
    cell = &cell_of(request);
    refusal = cell->refusal;
    if (refusal == Refusal::none && request.fingerprint != 0 && !from.is_new(request.fingerprint))
      refusal = Refusal::duplicate;
  }
  from.book(refusal, request.at);
  if (refusal != Refusal::none) return;
  Service& service = *services_[cell->service];
  service.has_news = true;
  service.see_version(cell->version_slot, request.at);
  const TimeBuckets at(request.at);
  for (Window* window : cell->feeds) feed(*window, buckets_, at, request);
  if (cell->paired) service.evidence.paired->count(*cell->paired, request);
  if (request.invocation != Invocation::fetch) return;
  service.series.count(cell->series, {.status = request.status,
                                      .is_error = cell->call.is_error,
                                      .exceptions = request.exceptions,
                                      .count = 1});
  if (request.latency_us) service.series.count_latency(cell->series, *request.latency_us);
}

void Engine::State::take(const RequestSecond& second) {
  const Request& like = second.like;
  SourceRecord& from = source(like.source);
  Refusal refusal = admit(from, like.at);
  if (refusal == Refusal::none && !is_consistent(second)) refusal = Refusal::inconsistent;
  Cell* cell = nullptr;
  if (refusal == Refusal::none) {
    cell = &cell_of(like);
    refusal = cell->refusal;
    if (refusal == Refusal::none && like.fingerprint != 0 && !from.is_new(like.fingerprint))
      refusal = Refusal::duplicate;
  }
  from.book(refusal, like.at, second.count);
  if (refusal != Refusal::none) return;
  Service& service = *services_[cell->service];
  service.has_news = true;
  service.see_version(cell->version_slot, like.at);
  const TimeBuckets at(like.at);
  for (Window* window : cell->feeds) feed(*window, buckets_, at, second);
  if (cell->paired) service.evidence.paired->count(*cell->paired, second);
  if (like.invocation != Invocation::fetch) return;
  service.series.count(cell->series, {.status = like.status,
                                      .is_error = cell->call.is_error,
                                      .exceptions = std::uint64_t{like.exceptions} * second.count,
                                      .count = second.count});
  for (const RequestSecond::Bucket& bucket : second.latency)
    service.series.count_latencies(cell->series, bucket.bucket, bucket.count);
  service.series.add_latency_sum(cell->series, second.latency_sum_us);
}

/// Of a request that was booked already, or refused.
void Engine::State::take(const Thrown& thrown) {
  SourceRecord& from = source(thrown.source);
  std::uint32_t found = 0;
  if (admit(from, thrown.at) != Refusal::none ||
      find_service(from, thrown.service, found) != Refusal::none)
    return;
  const std::optional<NameId> version = from.name(thrown.version);
  PairedEvidence* paired = services_[found]->evidence.paired.get();
  if (version && paired != nullptr) paired->note(*version, thrown);
}

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
  const ProbeLog::Answer answer{.at = probe.at, .version = *version, .failed = failed};
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
  rollouts_[found]->probed(from.plan().name, *version, probe.at, failed);
  status.probe = from.plan().name;
  status.version = version_text;
  status.passing = !failed;
  status.failure = probe.failure;
  status.detail = sanitize(text_of(probe.source, probe.detail));
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

void Engine::State::take(const SourceState& state) { source(state.source).say(state, clock_); }
void Engine::State::take(const SourceGap& gap) { source(gap.source).lose(gap); }
void Engine::State::take(const SourceProgress& progress) {
  source(progress.source).progress(progress);
}
void Engine::State::take(const TextDefined& defined) {
  // Whoever hands ids out anew must not have his requests counted for another version.
  if (source(defined.source).define(defined.id, names_.id(defined.text))) cells_.clear();
}

}  // namespace belay::rules
