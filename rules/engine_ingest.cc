// Requests, one by one or a second of them at once: the path that most evidence takes.

#include "rules/engine_state.h"

namespace belay::rules {

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
                   .is_error = is_error(request.status, names_.text(*outcome)),
                   .is_canceled = is_canceled(names_.text(*outcome))};
  Service& service = *services_[cell.service];
  note_source(service, static_cast<std::uint32_t>(request.source));
  cell.version_slot = service.version_slot(*version, plan_.versions_per_service_max,
                                           rollouts_[cell.service]->spared(), buckets_);
  cell.series = service.series.find_or_add({.version = *version, .route = *route});
  cell.feeds = service.evidence.windows.fed_by(cell.call, names_);
  cell.paired.reset();
  if (service.evidence.paired != nullptr) cell.paired = service.evidence.paired->place(cell.call);
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

void Engine::State::note_misnamed(const Request& like, NameId version, std::uint64_t calls) {
  SourceRecord& from = source(like.source);
  const auto owner = service_in_log(from.plan().service);
  const std::optional<NameId> outcome = from.name(like.outcome);
  if (!owner || !outcome) return;
  Service& service = *services_[*owner];
  ServiceEvidence& evidence = service.evidence;
  if (like.fingerprint != 0 && !from.is_new(like.fingerprint)) return;
  const bool are_failing = is_error(like.status, names_.text(*outcome));
  if (are_failing)
    service.note_misnamed(version != kNoName, static_cast<std::uint32_t>(calls), buckets_,
                          TimeBuckets(like.at));
  if (evidence.paired) evidence.paired->misnamed().add(version, like.at, calls, are_failing);
  if (evidence.misnamed_of_restored)
    evidence.misnamed_of_restored->add(version, like.at, calls, are_failing);
}

void Engine::State::refuse(const Request& like, Refusal why, std::uint64_t calls) {
  const SourceRecord& from = source(like.source);
  const std::optional<NameId> name = from.name(like.service);
  const std::optional<NameId> version = from.name(like.version);
  if (!name || !version || like.invocation != Invocation::fetch || from.is_retired()) return;
  if (why == Refusal::unknown_service) return note_misnamed(like, *version, calls);
  const auto found = service_in_log(*name == kNoName ? from.plan().service : names_.text(*name));
  if (!found) return;
  if (PairedEvidence* paired = services_[*found]->evidence.paired.get())
    paired->refuse(*version, like.at, why, calls);
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
  if (refusal != Refusal::none) return refuse(request, refusal, 1);
  Service& service = *services_[cell->service];
  service.has_news = true;
  const TimeBuckets at(request.at);
  const bool is_request = request.invocation == Invocation::fetch;
  service.see_version(cell->version_slot, request.at, is_request ? 1 : 0, buckets_, at);
  feed(*cell->feeds, buckets_, at, request);
  if (cell->paired) service.evidence.paired->count(*cell->paired, request);
  if (!is_request) {
    if (cell->call.is_error) service.note_failed_invocation(cell->version_slot, request.at);
    return;
  }
  if (cell->call.is_error) service.note_failures(cell->version_slot, 1, buckets_, at);
  service.note_clients(cell->version_slot, cell->call.is_canceled, request.status, 1, buckets_, at);
  if (!cell->paired && service.evidence.paired)
    service.evidence.paired->stray(request.at, cell->version_slot != 0, 1, cell->call.is_error);
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
  if (refusal != Refusal::none) return refuse(like, refusal, second.count);
  Service& service = *services_[cell->service];
  service.has_news = true;
  const TimeBuckets at(like.at);
  const bool is_request = like.invocation == Invocation::fetch;
  service.see_version(cell->version_slot, like.at, is_request ? second.count : 0, buckets_, at);
  feed(*cell->feeds, buckets_, at, second);
  if (cell->paired) service.evidence.paired->count(*cell->paired, second);
  if (!is_request) {
    if (cell->call.is_error) service.note_failed_invocation(cell->version_slot, like.at);
    return;
  }
  if (cell->call.is_error) service.note_failures(cell->version_slot, second.count, buckets_, at);
  service.note_clients(cell->version_slot, cell->call.is_canceled, like.status, second.count,
                       buckets_, at);
  if (!cell->paired && service.evidence.paired)
    service.evidence.paired->stray(like.at, cell->version_slot != 0, second.count,
                                   cell->call.is_error);
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

}  // namespace belay::rules
