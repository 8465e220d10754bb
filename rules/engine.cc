#include "rules/engine.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <variant>

#include "base/check.h"
#include "rules/engine_state.h"

namespace belay::rules {
namespace {

Instant whole_second(Instant at) { return std::chrono::floor<std::chrono::seconds>(at); }

constexpr Duration kCheckEvery = std::chrono::seconds{1};

struct TimeOf {
  Instant operator()(const Request& request) const { return request.at; }
  Instant operator()(const RequestSecond& second) const { return second.like.at; }
  Instant operator()(const TextDefined& /*defined*/) const { return Instant::min(); }
  template <typename Other>
  Instant operator()(const Other& other) const {
    return other.at;
  }
};

}  // namespace

/// Each check sees the evidence from before it, and nothing from after it: the events of a step
/// that spans several checks are dealt out to them by their time, otherwise in the order they came.
struct Engine::State::Schedule {
  Schedule(Instant before, Instant now, std::span<const Event> events) {
    first_check = whole_second(before) + kCheckEvery;
    checks = now < first_check
                 ? 0
                 : static_cast<std::size_t>((whole_second(now) - first_check) / kCheckEvery) + 1;
    if (checks == 0) return;
    std::vector<std::uint32_t> group(events.size());
    ends.assign(checks + 1, 0);
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Instant at = std::visit(TimeOf{}, events[i]);
      const Duration after = std::max(at, first_check - kCheckEvery) - (first_check - kCheckEvery);
      group[i] = static_cast<std::uint32_t>(
          std::min<std::size_t>(checks, static_cast<std::size_t>(after / kCheckEvery)));
      ++ends[group[i]];
    }
    for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
    std::vector<std::size_t> next(ends.size(), 0);
    for (std::size_t i = 1; i < ends.size(); ++i) next[i] = ends[i - 1];
    order.resize(events.size());
    for (std::size_t i = 0; i < events.size(); ++i)
      order[next[group[i]]++] = static_cast<std::uint32_t>(i);
  }

  Instant first_check;
  std::size_t checks = 0;
  std::vector<std::size_t> ends;  // Of each check's events in `order`; the last: after them all.
  std::vector<std::uint32_t> order;
};

Engine::State::State(Plan plan, Instant start, Remembered remembered)
    : plan_(std::move(plan)), now_(start), earliest_(start), clock_(start), buckets_(start) {
  static_cast<void>(remembered);
  for (const SourcePlan& source : plan_.sources)
    sources_.push_back(std::make_unique<SourceRecord>(source, start));
  for (const ServicePlan& service : plan_.services) add_service(service);
  for (const std::unique_ptr<Service>& service : services_) assign_sources(*service);
  for (const std::unique_ptr<Service>& service : services_) service->bind(start);
}

void Engine::State::take(const Event& event) {
  std::visit(
      [this](const auto& one) {
        using Kind = std::decay_t<decltype(one)>;
        if constexpr (!std::is_same_v<Kind, Deployment> && !std::is_same_v<Kind, GateStarted> &&
                      !std::is_same_v<Kind, Disarmed> && !std::is_same_v<Kind, ActionOutcome>)
          take(one);
      },
      event);
}

void Engine::State::settle_sources(Instant at) {
  for (const std::unique_ptr<SourceRecord>& source : sources_) source->settle(at);
}

void Engine::State::check(Instant at) {
  settle_sources(at);
  for (const std::unique_ptr<Service>& service : services_) {
    for (JudgedRule& rule : service->always) rule.check(service->evidence, at);
    service->has_news = false;
  }
}

void Engine::State::glance(Instant at) {
  settle_sources(at);
  for (const std::unique_ptr<Service>& service : services_) {
    if (!std::exchange(service->has_news, false)) continue;
    for (JudgedRule& rule : service->always) rule.glance(service->evidence, at);
  }
}

Step Engine::State::step(Instant now, std::span<const Event> events) {
  BELAY_CHECK(now >= now_, "engine time goes back");
  const Schedule schedule(now_, now, events);
  earliest_ = now_;
  now_ = now;
  ++steps_total_;
  events_total_ += events.size();
  std::size_t next = 0;
  for (std::size_t i = 0; i < schedule.checks; ++i) {
    const Instant at = schedule.first_check + kCheckEvery * static_cast<std::int64_t>(i);
    clock_ = std::max(earliest_, at - kCheckEvery);
    buckets_ = TimeBuckets(clock_);
    for (; next < schedule.ends[i]; ++next) take(events[schedule.order[next]]);
    clock_ = at;
    check(at);
  }
  clock_ = now;
  buckets_ = TimeBuckets(now);
  if (schedule.checks == 0) {
    for (const Event& event : events) take(event);
  } else {
    for (; next < events.size(); ++next) take(events[schedule.order[next]]);
  }
  glance(now);
  return std::exchange(out_, Step{});
}

bool Engine::State::has_firing_rule() const {
  return std::any_of(services_.begin(), services_.end(), [](const auto& service) {
    return std::any_of(service->always.begin(), service->always.end(),
                       [](const JudgedRule& rule) { return rule.is_firing(); });
  });
}

Engine::Engine(Plan plan, Instant start, Remembered remembered)
    : state_(std::make_unique<State>(std::move(plan), start, std::move(remembered))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Step Engine::step(Instant now, std::span<const Event> events) { return state_->step(now, events); }
Snapshot Engine::snapshot() const { return state_->snapshot(); }
bool Engine::has_firing_rule() const { return state_->has_firing_rule(); }

}  // namespace belay::rules
