#include "tests/exporters/example_snapshot.h"

#include <chrono>
#include <string>

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using rules::Truth;

constexpr Instant kStart = from_unix_ms(1'763'640'000'000);

rules::SeriesTotals series(std::string route, std::string version, std::uint64_t turn) {
  rules::SeriesTotals totals{.route = std::move(route), .version = std::move(version)};
  totals.by_status_class = {0, 0, 80 * turn, 0, 10 * turn, 10 * turn};
  totals.requests = 100 * turn;
  totals.errors = 10 * turn;
  totals.exceptions = 3 * turn;
  totals.latency_buckets = {0, 10 * turn, 50 * turn, 20 * turn, 0, 10 * turn, 0, 10 * turn};
  totals.latency_count = 100 * turn;
  totals.latency_sum_seconds = 12.5 * static_cast<double>(turn);
  return totals;
}

rules::RuleStatus rule(std::string name, Truth truth) {
  rules::RuleStatus status{.service = "shop",
                           .rule = std::move(name),
                           .sentence = "5xx rate > 5% over 1m, min 50 requests",
                           .then = {.kind = rules::Then::Kind::rollback},
                           .truth = truth,
                           .firing = truth == Truth::bad};
  if (truth == Truth::unknown) status.unknown = rules::UnknownKind::no_traffic;
  status.evidence.push_back(example_evidence(truth));
  return status;
}

rules::ServiceStatus shop(std::uint64_t turn, Instant now) {
  rules::ServiceStatus service{.name = "shop",
                               .mode = rules::Mode::enforce,
                               .verdict = rules::Outcome::fail,
                               .versions = {"v1", "v2"}};
  service.rollout = rules::RolloutStatus{.candidate = "v2",
                                         .baseline = "v1",
                                         .state = rules::RolloutState::baking,
                                         .started = kStart,
                                         .ends = now + 10min};
  service.series = {series("/api/items", "v1", turn), series("/api/items", "v2", turn),
                    series("/api/users/:id", "v1", turn), series("other", "", turn)};
  service.rules = {rule("shop-5xx", Truth::bad), rule("shop-p95", Truth::fine),
                   rule("shop-queue", Truth::unknown)};
  rules::QueueStatus queue{.queue = "emails"};
  queue.last.at = now;
  queue.last.waiting = 40 + turn;
  queue.last.depth = 42 + turn;
  queue.last.active = 2;
  queue.last.delayed = 1;
  queue.last.failed = 7;
  queue.last.oldest = std::chrono::seconds(turn);
  queue.totals = {.completed = static_cast<std::uint32_t>(90 * turn),
                  .failed_attempts = static_cast<std::uint32_t>(5 * turn),
                  .retries = static_cast<std::uint32_t>(4 * turn),
                  .stalled = static_cast<std::uint32_t>(turn)};
  service.queues = {queue};
  service.probes = {{.probe = "healthz",
                     .version = "v2",
                     .passing = false,
                     .failure = rules::ProbeFailure::status,
                     .latency_seconds = 0.02,
                     .passed_total = 5 * turn,
                     .failed_total = turn,
                     .at = now},
                    {.probe = "home",
                     .passing = true,
                     .latency_seconds = 0.01,
                     .passed_total = 6 * turn,
                     .at = now}};
  service.actions = {{.intent = "0d5a0000-0000-4000-8000-000000000001",
                      .kind = "rollback",
                      .rule = "shop-5xx",
                      .target = "v1",
                      .at = kStart}};
  service.actions_total = {{"rollback/applied", turn}, {"reset_flag/conflict", 1}};
  service.disarmed_until = now + 1h;
  for (std::uint64_t i = 0; i < turn; ++i) {
    service.deployments.add({.state = rules::RolloutState::promoted,
                             .verdict = rules::Outcome::pass,
                             .ended = now,
                             .committed_at = now - 2h});
    service.deployments.add({.state = rules::RolloutState::recovered,
                             .verdict = rules::Outcome::fail,
                             .ended = now,
                             .failing_since = now - 7min});
  }
  return service;
}

rules::SourceStatus source(std::string name, rules::SourceKind kind, std::uint64_t turn,
                           Instant now) {
  return {.name = std::move(name),
          .service = "shop",
          .kind = kind,
          .health = rules::SourceHealth::alive,
          .blind = false,
          .last_event = now,
          .lag = 120ms,
          .events_total = 400 * turn,
          .documents_total = 410 * turn,
          .used_total = 400 * turn,
          .rejected_total = {{"not_json", 8 * turn}, {"late", 2 * turn}},
          .lost_total = {{"inbox_full", turn}}};
}

}  // namespace

rules::Evidence example_evidence(Truth truth) {
  return {.what = "5xx rate",
          .value = 0.124,
          .threshold = 0.05,
          .dimension = rules::Dimension::share,
          .has_value = truth != Truth::unknown,
          .numerator = 31,
          .denominator = 250,
          .window = 1min,
          .truth = truth};
}

rules::Snapshot example_snapshot(std::uint64_t turn) {
  const Instant now = kStart + std::chrono::seconds(turn);
  rules::Snapshot snapshot{
      .at = now, .steps_total = 4 * turn, .events_total = 400 * turn, .series_dropped_total = turn};
  snapshot.services = {{.name = "idle"}, shop(turn, now)};
  snapshot.sources = {source("healthz", rules::SourceKind::probe, turn, now),
                      source("tail", rules::SourceKind::log, turn, now)};
  return snapshot;
}

}  // namespace belay::test
