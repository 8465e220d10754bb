#include "monitor/config/rule_test_series.h"

#include <algorithm>
#include <cmath>

namespace belay::monitor {
namespace {

using std::chrono::seconds;

/// How many of the first `count` are chosen, when `share` of all are, evenly spread.
std::uint64_t chosen(std::uint64_t count, double share) {
  return static_cast<std::uint64_t>(std::floor(static_cast<double>(count) * share + 1e-9));
}
bool is_chosen(std::uint64_t index, double share) {
  return chosen(index + 1, share) > chosen(index, share);
}

std::optional<std::uint32_t> microseconds(const std::optional<Duration>& duration) {
  if (!duration) return std::nullopt;
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(*duration).count();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(count, 0xFFFFFFFF));
}

double at_moment(const Ramp& ramp, const Given& given, std::int64_t second) {
  const double whole = belay::seconds(given.to - given.from);
  const double gone = static_cast<double>(second) - belay::seconds(given.from);
  return whole <= 0 ? ramp.from : ramp.from + (ramp.to - ramp.from) * gone / whole;
}
std::optional<std::uint64_t> count_at(const std::optional<Ramp>& ramp, const Given& given,
                                      std::int64_t second) {
  if (!ramp) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(at_moment(*ramp, given, second)));
}

std::int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<seconds>(duration).count();
}

/// The poll of something that is looked at every `every`; nothing between two of them.
std::optional<std::uint64_t> poll_index(const Given& given, Duration every, std::int64_t second) {
  const std::int64_t gone = second - whole_seconds(given.from);
  const std::int64_t step = std::max<std::int64_t>(whole_seconds(every), 1);
  if (gone % step != 0) return std::nullopt;
  return static_cast<std::uint64_t>(gone / step);
}

}  // namespace

RuleTestSeries::RuleTestSeries(const RuleTest& test, Instant start) : test_(test), start_(start) {
  for (const Given& given : test.given) declare(given);
  const bool has_log = std::any_of(sources_.begin(), sources_.end(), [](const auto& source) {
    return source.kind == rules::SourceKind::log;
  });
  if (!has_log) source("tail", rules::SourceKind::log, seconds{1});
}

void RuleTestSeries::declare(const Given& given) {
  using rules::SourceKind;
  if (const auto* requests = std::get_if<GivenRequests>(&given.what)) {
    source(requests->source, SourceKind::log, seconds{1});
  } else if (const auto* queue = std::get_if<GivenQueue>(&given.what)) {
    source("queues", SourceKind::queue, queue->every);
  } else if (const auto* probe = std::get_if<GivenProbe>(&given.what)) {
    source(probe->probe, SourceKind::probe, probe->every);
  } else if (const auto* measured = std::get_if<GivenMeasurement>(&given.what)) {
    const bool is_gauge = measured->kind == rules::Measurement::Kind::gauge;
    const auto every = Duration{std::llround(1e9 / measured->per_second)};
    source(measured->source, is_gauge ? SourceKind::prometheus : SourceKind::log,
           is_gauge ? every : Duration{seconds{1}});
  } else {
    const std::string& name = std::get<GivenSource>(given.what).source;
    const bool known = std::any_of(sources_.begin(), sources_.end(),
                                   [&](const auto& one) { return one.name == name; });
    const bool comes_later =
        std::any_of(test_.given.begin(), test_.given.end(), [&](const Given& other) {
          const auto* later = std::get_if<GivenProbe>(&other.what);
          const bool is_queue = name == "queues" && std::holds_alternative<GivenQueue>(other.what);
          return is_queue || (later != nullptr && later->probe == name);
        });
    if (!known && !comes_later) source(name, SourceKind::log, seconds{1});
  }
}

rules::SourceId RuleTestSeries::source(const std::string& name, rules::SourceKind kind,
                                       Duration interval) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].name == name) return static_cast<rules::SourceId>(i);
  }
  rules::SourcePlan plan;
  plan.name = name;
  plan.kind = kind;
  plan.service = std::string(kService);
  plan.interval = std::max<Duration>(interval, seconds{1});
  sources_.push_back(std::move(plan));
  return static_cast<rules::SourceId>(sources_.size() - 1);
}

rules::TextId RuleTestSeries::text(rules::SourceId source, const std::string& text) {
  if (text.empty()) return rules::kNoText;
  const auto next = static_cast<rules::TextId>(texts_.size() + 1);
  const auto [found, is_new] = texts_.try_emplace({source, text}, next);
  if (is_new) defined_.push_back(rules::TextDefined{source, next, text});
  return found->second;
}

Instant RuleTestSeries::at(std::int64_t second) const { return start_ + seconds{second}; }

std::optional<rules::SourceHealth> RuleTestSeries::health(const std::string& source,
                                                          std::int64_t second) const {
  std::optional<rules::SourceHealth> out = rules::SourceHealth::alive;
  for (const Given& given : test_.given) {
    const auto* said = std::get_if<GivenSource>(&given.what);
    if (said == nullptr || said->source != source) continue;
    if (seconds{second} >= given.from && seconds{second} < given.to) out = said->health;
  }
  return out;
}

bool RuleTestSeries::reports(const std::string& source, std::int64_t second) const {
  const auto said = health(source, second);
  return said == rules::SourceHealth::alive || said == rules::SourceHealth::sampled;
}

std::vector<rules::Event> RuleTestSeries::events_of(std::int64_t second) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto said = health(sources_[i].name, second);
    if (!said) continue;
    rules::SourceState state{static_cast<rules::SourceId>(i), at(second), *said, {}};
    if (*said != rules::SourceHealth::alive) state.detail = "as the test says";
    events_.emplace_back(state.at, std::move(state));
  }
  for (const Given& given : test_.given) {
    if (seconds{second} < given.from || seconds{second} >= given.to) continue;
    std::visit([&](const auto& what) { expand(given, what, second); }, given.what);
  }
  std::stable_sort(events_.begin(), events_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<rules::Event> out = std::move(defined_);
  defined_.clear();
  for (auto& [moment, event] : events_) out.push_back(std::move(event));
  events_.clear();
  return out;
}

void RuleTestSeries::expand(const Given& given, const GivenRequests& requests,
                            std::int64_t second) {
  if (!reports(requests.source, second)) return;
  const auto id = source(requests.source, rules::SourceKind::log, seconds{1});
  const auto gone = static_cast<std::uint64_t>(second - whole_seconds(given.from));
  const std::uint64_t first = chosen(gone, requests.per_second);
  const std::uint64_t count = chosen(gone + 1, requests.per_second) - first;
  const bool is_fetch = requests.type == rules::Invocation::fetch;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t index = first + i;
    const bool fails = is_chosen(index, requests.error_share);
    const bool is_slow = is_chosen(index, requests.slow_share);
    rules::Request event;
    event.source = id;
    event.version = text(id, requests.version);
    event.route = text(id, requests.route);
    event.method = text(id, requests.method);
    event.outcome = text(id, fails && !is_fetch ? "exception" : requests.outcome);
    event.at = at(second) + Duration{seconds{1}} * (2 * i + 1) / (2 * count);
    if (is_fetch) event.status = fails ? 500 : requests.status;
    event.exceptions = is_chosen(index, requests.exception_share) ? 1 : 0;
    event.invocation = requests.type;
    event.latency_us = microseconds(is_slow ? requests.slow_latency : requests.latency);
    event.cpu_us = microseconds(requests.cpu);
    events_.emplace_back(event.at, std::move(event));
  }
}

void RuleTestSeries::expand(const Given& given, const GivenQueue& queue, std::int64_t second) {
  const auto poll = poll_index(given, queue.every, second);
  if (!poll || !reports("queues", second)) return;
  rules::QueueSample event;
  event.source = source("queues", rules::SourceKind::queue, queue.every);
  event.queue = text(event.source, queue.queue);
  event.at = at(second);
  event.depth = count_at(queue.depth, given, second);
  event.waiting = count_at(queue.waiting, given, second);
  event.active = count_at(queue.active, given, second);
  event.delayed = count_at(queue.delayed, given, second);
  event.failed = count_at(queue.failed, given, second);
  event.oldest = queue.oldest;
  if (queue.completed || queue.failures || queue.retries || queue.stalled) {
    const auto since_last = [&](const std::optional<double>& per_second) {
      const double per_poll = per_second.value_or(0) * belay::seconds(queue.every);
      return static_cast<std::uint32_t>(chosen(*poll + 1, per_poll) - chosen(*poll, per_poll));
    };
    event.flow = {since_last(queue.completed), since_last(queue.failures),
                  since_last(queue.retries), since_last(queue.stalled)};
  }
  events_.emplace_back(event.at, std::move(event));
}

void RuleTestSeries::expand(const Given& given, const GivenProbe& probe, std::int64_t second) {
  if (!poll_index(given, probe.every, second) || !reports(probe.probe, second)) return;
  rules::Probe event;
  event.source = source(probe.probe, rules::SourceKind::probe, probe.every);
  event.version = text(event.source, probe.version);
  event.at = at(second);
  event.failure = probe.failure;
  event.latency_us = microseconds(probe.latency);
  event.status = probe.failure == rules::ProbeFailure::none     ? 200
                 : probe.failure == rules::ProbeFailure::status ? 503
                                                                : 0;
  events_.emplace_back(event.at, std::move(event));
}

void RuleTestSeries::expand(const Given& given, const GivenMeasurement& measurement,
                            std::int64_t second) {
  if (!reports(measurement.source, second)) return;
  const auto gone = static_cast<std::uint64_t>(second - whole_seconds(given.from));
  // The first sample stands at the start of the series, not after one interval.
  const auto up_to = [&](std::uint64_t count) {
    return count == 0 ? 0 : chosen(count - 1, measurement.per_second) + 1;
  };
  const std::uint64_t count =
      measurement.per_second < 1
          ? up_to(gone + 1) - up_to(gone)
          : chosen(gone + 1, measurement.per_second) - chosen(gone, measurement.per_second);
  for (std::uint64_t i = 0; i < count; ++i) {
    rules::Measurement event;
    event.source = source(measurement.source, rules::SourceKind::log, seconds{1});
    event.name = text(event.source, measurement.name);
    event.version = text(event.source, measurement.version);
    event.at = at(second) + Duration{seconds{1}} * i / count;
    event.value = at_moment(measurement.value, given, second);
    event.kind = measurement.kind;
    events_.emplace_back(event.at, std::move(event));
  }
}

}  // namespace belay::monitor
