#include <algorithm>
#include <array>
#include <utility>

#include "monitor/config/rule_test.h"
#include "monitor/config/rule_test_series.h"
#include "rules/engine.h"
#include "rules/event_time.h"
#include "rules/language/rule_check.h"

namespace belay::monitor {
namespace {

using std::chrono::seconds;

/// Any moment does; a fixed one keeps what is printed the same.
constexpr Instant kStart = from_unix_ms(1'767'225'600'000);  // 2026-01-01
constexpr int kStepsPerSecond = 4;
constexpr std::array<const char*, 5> kStateNames = {"fine", "bad", "pending", "firing", "unknown"};

bool is_in(const rules::RuleStatus& status, Expected::State state) {
  switch (state) {
    case Expected::State::fine:
      return status.truth == rules::Truth::fine && !status.firing;
    case Expected::State::bad:
      return status.truth == rules::Truth::bad;
    case Expected::State::pending:
      return status.truth == rules::Truth::bad && !status.firing;
    case Expected::State::firing:
      return status.firing;
    case Expected::State::unknown:
      return status.truth == rules::Truth::unknown;
  }
  return false;
}

bool meets(const rules::RuleStatus& status, const Expected& expected) {
  if (!is_in(status, expected.state)) return false;
  if (expected.state != Expected::State::unknown || expected.kind.empty()) return true;
  return status.unknown && rules::name_of(*status.unknown) == expected.kind;
}

std::string wanted_text(const Expected& expected) {
  std::string out = kStateNames[static_cast<std::size_t>(expected.state)];
  return expected.kind.empty() ? out : out + " (" + expected.kind + ")";
}

std::string found_text(const rules::RuleStatus& status) {
  std::string out = status.firing                        ? "firing"
                    : status.truth == rules::Truth::bad  ? "pending"
                    : status.truth == rules::Truth::fine ? "fine"
                                                         : "unknown";
  if (status.truth == rules::Truth::unknown && status.unknown) {
    out += std::string(" (") + rules::name_of(*status.unknown) + ")";
  }
  for (const rules::Evidence& evidence : status.evidence) {
    out += (&evidence == &status.evidence.front() ? ": " : "; ") + rules::describe(evidence);
  }
  return out;
}

/// One test on one engine.
class TestRun {
 public:
  TestRun(const std::vector<rules::Rule>& rules, const RuleTest& test)
      : test_(test),
        series_(test, kStart),
        engine_(plan(rules), kStart),
        found_(test.expect.size()) {}

  RuleTestResult run() {
    const std::int64_t last = std::chrono::duration_cast<seconds>(test_.length).count();
    for (std::int64_t second = 0; second <= last; ++second) {
      step_to(second);
      check(second);
    }
    RuleTestResult out{test_.name, test_.place, std::move(failures_)};
    for (std::size_t i = 0; i < test_.expect.size(); ++i) {
      const Expected& expected = test_.expect[i];
      if (expected.when != Expected::When::first || found_[i]) continue;
      out.failures.push_back(expected.place + ": " + expected.rule + " was not " +
                             wanted_text(expected) + " by " + format_duration(expected.at));
    }
    return out;
  }

 private:
  rules::Plan plan(const std::vector<rules::Rule>& rules) {
    rules::Plan out;
    out.sources = series_.sources();
    rules::ServicePlan service;
    service.name = std::string(RuleTestSeries::kService);
    service.mode = rules::Mode::observe;
    for (rules::Rule rule : rules) {
      rule.services.clear();
      if (test_.gate) {
        service.rollout_rules.push_back(std::move(rule));
      } else if (!rules::needs_rollout(rule.sentence)) {
        service.rules.push_back(std::move(rule));
      }
    }
    out.services.push_back(std::move(service));
    return out;
  }

  /// Steps every 250 ms up to and with `second`; an event comes with the first step at or after it.
  void step_to(std::int64_t second) {
    const Instant until = kStart + seconds{second};
    if (second == 0) return step(until, gate_events(0));
    std::vector<rules::Event> events = series_.events_of(second - 1);
    std::size_t begin = 0;
    for (int quarter = 1; quarter <= kStepsPerSecond; ++quarter) {
      const Instant now = until - seconds{1} + seconds{1} * quarter / kStepsPerSecond;
      const std::size_t begun = begin;
      while (begin < events.size() && moment(events[begin]) <= now) ++begin;
      std::vector<rules::Event> some(std::make_move_iterator(events.begin() + offset(begun)),
                                     std::make_move_iterator(events.begin() + offset(begin)));
      if (quarter == kStepsPerSecond) {
        for (rules::Event& event : gate_events(second)) some.push_back(std::move(event));
      }
      step(now, some);
    }
  }

  static std::ptrdiff_t offset(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

  static Instant moment(const rules::Event& event) {
    return rules::time_of(event).value_or(Instant{});
  }

  void step(Instant now, const std::vector<rules::Event>& events) {
    static_cast<void>(engine_.step(now, events));
  }

  std::vector<rules::Event> gate_events(std::int64_t second) const {
    if (!test_.gate || test_.gate->at.time_since_epoch() != seconds{second}) return {};
    rules::RolloutStarted gate = *test_.gate;
    gate.at = kStart + seconds{second};
    gate.service = std::string(RuleTestSeries::kService);
    return {std::move(gate)};
  }

  void check(std::int64_t second) {
    const bool is_asked =
        std::any_of(test_.expect.begin(), test_.expect.end(),
                    [&](const Expected& expected) { return is_about(expected, second); });
    if (!is_asked) return;
    const rules::Snapshot snapshot = engine_.snapshot();
    for (std::size_t i = 0; i < test_.expect.size(); ++i) {
      if (is_about(test_.expect[i], second))
        check(i, second, status(snapshot, test_.expect[i].rule));
    }
  }

  static bool is_about(const Expected& expected, std::int64_t second) {
    const Duration at = seconds{second};
    switch (expected.when) {
      case Expected::When::at:
        return at == expected.at;
      case Expected::When::first:
        return at <= expected.at;
      case Expected::When::never:
        return at >= expected.from && at <= expected.to;
    }
    return false;
  }

  static const rules::RuleStatus* status(const rules::Snapshot& snapshot, const std::string& rule) {
    for (const rules::ServiceStatus& service : snapshot.services) {
      for (const rules::RuleStatus& one : service.rules) {
        if (one.rule == rule) return &one;
      }
    }
    return nullptr;
  }

  void check(std::size_t i, std::int64_t second, const rules::RuleStatus* status) {
    const Expected& expected = test_.expect[i];
    const bool is_met = status != nullptr && meets(*status, expected);
    const Duration at = seconds{second};
    const bool is_first = expected.when == Expected::When::first && at < expected.at;
    if (expected.when == Expected::When::first && is_met) {
      if (found_[i]) return;
      found_[i] = true;
      if (is_first) fail(expected, second, "already ", status);
    } else if (expected.when == Expected::When::at && !is_met) {
      fail(expected, second, "expected " + wanted_text(expected) + ", was ", status);
    } else if (expected.when == Expected::When::never && is_met && !found_[i]) {
      found_[i] = true;  // the first moment says it all
      fail(expected, second, "never expected " + wanted_text(expected) + ", was ", status);
    }
  }

  void fail(const Expected& expected, std::int64_t second, const std::string& how,
            const rules::RuleStatus* status) {
    failures_.push_back(expected.place + ": " + expected.rule + " at " +
                        format_duration(seconds{second}) + ": " + how +
                        (status == nullptr ? "not judged" : found_text(*status)));
  }

  const RuleTest& test_;
  RuleTestSeries series_;
  rules::Engine engine_;
  std::vector<bool> found_;  ///< Beside the expectations.
  std::vector<std::string> failures_;
};

}  // namespace

std::vector<RuleTestResult> run_rule_tests(const std::vector<rules::Rule>& rules,
                                           const std::vector<RuleTest>& tests) {
  std::vector<RuleTestResult> out;
  out.reserve(tests.size());
  for (const RuleTest& test : tests) out.push_back(TestRun(rules, test).run());
  return out;
}

}  // namespace belay::monitor
