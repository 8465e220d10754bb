#include "tests/rules/support/engine_rig.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace belay::rules {
namespace {

constexpr Duration kStep = 250ms;

std::uint32_t microseconds(Duration duration) {
  return static_cast<std::uint32_t>(duration / std::chrono::microseconds{1});
}

}  // namespace

Rule make_rule(std::string_view name, std::string_view sentence, std::string_view then) {
  ParsedSentence parsed = parse_sentence(sentence);
  BELAY_CHECK(parsed.sentence.has_value(), sentence);
  Rule rule;
  rule.name = name;
  rule.sentence = std::move(*parsed.sentence);
  rule.then = std::get<Then>(parse_then(then));
  return rule;
}

Plan EngineRig::plan_of(std::vector<Rule> rules, std::vector<Rule> rollout_rules) {
  Plan plan;
  plan.sources = {
      {.name = "tail", .kind = SourceKind::log, .service = "shop"},
      {.name = "healthz", .kind = SourceKind::probe, .service = "shop", .interval = 5s},
      {.name = "queues", .kind = SourceKind::queue, .service = "shop", .interval = 5s},
      {.name = "scrape", .kind = SourceKind::prometheus, .service = "shop", .interval = 5s}};
  ServicePlan shop;
  shop.name = "shop";
  shop.mode = Mode::enforce;
  shop.rules = std::move(rules);
  shop.rollout_rules = std::move(rollout_rules);
  shop.on_fail = {Then{.kind = Then::Kind::rollback}};
  plan.services.push_back(std::move(shop));
  return plan;
}

EngineRig::EngineRig(std::vector<Rule> rules, std::vector<Rule> rollout_rules)
    : EngineRig(plan_of(std::move(rules), std::move(rollout_rules))) {}

EngineRig::EngineRig(Plan plan, Remembered remembered)
    : engine(plan, kStart, std::move(remembered)) {
  for (std::uint32_t i = 0; i < plan.sources.size(); ++i) alive_[SourceId{i}] = true;
}

TextId EngineRig::text(SourceId source, std::string_view text) {
  if (text.empty()) return kNoText;
  const std::pair key(source, std::string(text));
  if (const auto known = texts_.find(key); known != texts_.end()) return known->second;
  const TextId id{static_cast<std::uint32_t>(texts_.size() + 1)};
  texts_.emplace(key, id);
  waiting_.emplace_back(TextDefined{.source = source, .id = id, .text = key.second});
  return id;
}

Request EngineRig::request(const Alike& alike, Instant at, SourceId source) {
  Request request;
  request.source = source;
  request.service = text(source, alike.service);
  request.version = text(source, alike.version);
  request.route = text(source, alike.route);
  request.method = text(source, alike.method);
  request.outcome = text(source, alike.outcome);
  request.at = at;
  request.status = alike.status;
  request.exceptions = alike.exceptions;
  request.invocation = alike.type;
  if (alike.latency) request.latency_us = microseconds(*alike.latency);
  if (alike.cpu) request.cpu_us = microseconds(*alike.cpu);
  return request;
}

void EngineRig::stream(const std::string& name, int per_second, Alike alike) {
  streams_[name] = Stream{.per_second = per_second, .alike = std::move(alike), .since = now_};
}

void EngineRig::say(SourceId source, SourceHealth health) {
  waiting_.emplace_back(SourceState{.source = source, .at = now_, .health = health});
  alive_[source] = false;
}

void EngineRig::emit_streams(Instant until) {
  for (auto& [name, stream] : streams_) {
    if (stream.per_second <= 0) continue;
    const Duration every = Duration{std::chrono::seconds{1}} / stream.per_second;
    // The middle of each slot: never exactly on a whole second.
    for (Instant at = stream.since + every * stream.sent + every / 2; at < until;
         at = stream.since + every * stream.sent + every / 2) {
      const Request made = request(stream.alike, at);
      waiting_.emplace_back(made);
      ++stream.sent;
    }
  }
}

void EngineRig::keep(Step step) {
  std::move(step.journal.begin(), step.journal.end(), std::back_inserter(journal));
  std::move(step.orders.begin(), step.orders.end(), std::back_inserter(orders));
  std::move(step.recalls.begin(), step.recalls.end(), std::back_inserter(recalls));
  std::move(step.notices.begin(), step.notices.end(), std::back_inserter(notices));
  std::move(step.preflight.begin(), step.preflight.end(), std::back_inserter(preflight));
}

Step EngineRig::jump(Duration span) {
  now_ += span;
  const std::vector<Event> events = std::exchange(waiting_, {});
  return engine.step(now_, events);
}

void EngineRig::run(Duration span) {
  const Instant until = now_ + span;
  while (now_ < until) {
    const Instant next = std::min(until, now_ + kStep);
    for (const auto& [source, is_alive] : alive_)
      if (is_alive)
        waiting_.emplace_back(
            SourceState{.source = source, .at = next, .health = SourceHealth::alive});
    emit_streams(next);
    keep(jump(next - now_));
  }
}

RuleStatus EngineRig::rule(std::string_view name) const {
  for (const ServiceStatus& service : engine.snapshot().services)
    for (const RuleStatus& rule : service.rules)
      if (rule.rule == name) return rule;
  BELAY_CHECK(false, "no such rule");
  return {};
}

ServiceStatus EngineRig::service(std::string_view name) const {
  for (ServiceStatus& service : engine.snapshot().services)
    if (service.name == name) return std::move(service);
  BELAY_CHECK(false, "no such service");
  return {};
}

SourceStatus EngineRig::source(std::string_view name) const {
  for (SourceStatus& source : engine.snapshot().sources)
    if (source.name == name) return std::move(source);
  BELAY_CHECK(false, "no such source");
  return {};
}

std::optional<Duration> EngineRig::time_to_fire(std::string_view name, Duration at_most) {
  const Instant from = now_;
  while (now_ < from + at_most) {
    run(kStep);
    if (rule(name).firing) return now_ - from;
  }
  return std::nullopt;
}

std::vector<Notice> EngineRig::notices_of(Notice::Kind kind) const {
  std::vector<Notice> found;
  std::copy_if(notices.begin(), notices.end(), std::back_inserter(found),
               [kind](const Notice& notice) { return notice.kind == kind; });
  return found;
}

}  // namespace belay::rules
