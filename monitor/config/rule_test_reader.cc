#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"
#include "monitor/config/enum_choice.h"
#include "monitor/config/rule_test.h"
#include "rules/judgement/selector.h"
#include "rules/language/units.h"

namespace belay::monitor {
namespace {

constexpr Duration kLengthMax = std::chrono::hours{48};
constexpr double kEventsMax = 2e6;
constexpr std::array<std::string_view, 5> kStates = {"fine", "bad", "pending", "firing", "unknown"};
constexpr std::array<std::string_view, 8> kUnknownKinds = {
    "error", "blind", "sampled", "lagging", "no_traffic", "warming", "no_latency", "no_baseline"};
constexpr std::array kInvocations = {rules::Invocation::fetch, rules::Invocation::queue,
                                     rules::Invocation::cron,  rules::Invocation::alarm,
                                     rules::Invocation::rpc,   rules::Invocation::email,
                                     rules::Invocation::other};
constexpr std::array kFailures = {rules::ProbeFailure::dns,    rules::ProbeFailure::refused,
                                  rules::ProbeFailure::tls,    rules::ProbeFailure::timeout,
                                  rules::ProbeFailure::status, rules::ProbeFailure::body,
                                  rules::ProbeFailure::other};
constexpr std::array kHealth = {rules::SourceHealth::alive, rules::SourceHealth::down,
                                rules::SourceHealth::refused, rules::SourceHealth::sampled};

/// "10/s"; reports anything else.
std::optional<double> per_second(const YamlValue& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  const rules::NumberRead read = rules::read_number(*text);
  if (read.measured && read.measured->quantity.dimension == rules::Dimension::per_second) {
    return read.measured->quantity.value;
  }
  const bool is_bare = rules::read_decimal(*text).has_value();
  value.fault("a rate like 10/s should stand here", is_bare ? *text + "/s" : "");
  return std::nullopt;
}

/// "1200" or "0..1200".
std::optional<Ramp> ramp(const YamlValue& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  const std::size_t dots = text->find("..");
  const auto from = rules::read_decimal(std::string_view(*text).substr(0, dots));
  const auto to = dots == std::string::npos
                      ? from
                      : rules::read_decimal(std::string_view(*text).substr(dots + 2));
  if (from && to) return Ramp{*from, *to};
  value.fault("a number like 1200, or 0..1200, should stand here");
  return std::nullopt;
}

class TestReader {
 public:
  TestReader(const YamlValue& value, const std::vector<std::string>& rule_names)
      : value_(value), rule_names_(rule_names) {}

  RuleTest read() {
    YamlMap map(value_, "a rule test");
    test_.place = value_.place();
    test_.name = map.require("name").text().value_or("");
    rule_ = read_rule(map.get("rule"));
    read_gate(map.get("gate"));
    for (const YamlValue& given : map.require("given").list()) read_given(given);
    const YamlValue expect = map.require("expect");
    for (const YamlValue& expected : expect.list()) read_expected(expected);
    if (expect.kind() == YamlValue::Kind::list && test_.expect.empty()) {
      expect.fault("a test has to expect something");
    }
    settle_length();
    return std::move(test_);
  }

 private:
  /// The rule that is meant; empty if none is named and the file has several.
  std::string read_rule(const YamlValue& value) {
    if (!value.present()) return rule_names_.size() == 1 ? rule_names_.front() : std::string();
    const auto name = value.text();
    if (!name) return {};
    if (std::find(rule_names_.begin(), rule_names_.end(), *name) == rule_names_.end()) {
      const std::vector<std::string_view> names(rule_names_.begin(), rule_names_.end());
      const auto meant = nearest(*name, names);
      value.fault("no rule of this name stands in this file", meant ? std::string(*meant) : "");
    }
    return *name;
  }

  Duration time(const YamlValue& value, Duration otherwise) {
    const Duration at = value.duration({}, kLengthMax).value_or(otherwise);
    if (value.present() && at % std::chrono::seconds{1} != Duration::zero()) {
      value.fault("a test counts in whole seconds");
    }
    if (value.present()) test_.length = std::max(test_.length, at);
    return at;
  }

  void read_gate(const YamlValue& value) {
    if (!value.present()) return;
    YamlMap map(value, "a gate");
    rules::RolloutStarted gate;
    gate.candidate = map.require("candidate").text().value_or("");
    gate.baseline = map.get("baseline").text().value_or("");
    gate.at = Instant{time(map.get("at"), Duration::zero())};
    gate.lasts = map.get("for").duration(std::chrono::seconds{1}).value_or(kLengthMax);
    test_.gate = std::move(gate);
  }

  void read_given(const YamlValue& value) {
    YamlMap map(value, "a given series");
    Given given;
    given.from = time(map.get("from"), Duration::zero());
    given.to = time(map.get("to"), Duration::max());
    if (given.to <= given.from) map.get("to").fault("`to` has to be later than `from`");
    // Every kind is asked for, so that a misspelt one is suggested.
    const YamlValue requests = map.get("requests");
    const YamlValue queue = map.get("queue");
    const YamlValue probe = map.get("probe");
    const YamlValue metric = map.get("metric");
    const YamlValue prometheus = map.get("prometheus");
    const YamlValue health = map.get("is");
    const auto present = std::array{&requests, &queue, &probe, &metric, &prometheus, &health};
    const auto kinds = std::count_if(present.begin(), present.end(),
                                     [](const YamlValue* kind) { return kind->present(); });
    if (kinds != 1) {
      if (value.kind() == YamlValue::Kind::map) {
        value.fault("a series is of one of requests, queue, probe, metric, prometheus and is");
      }
      return;
    }
    if (requests.present()) given.what = read_requests(map, requests);
    if (queue.present()) given.what = read_queue(map, queue);
    if (probe.present()) given.what = read_probe(map, probe);
    if (metric.present()) given.what = read_metric(map, metric);
    if (prometheus.present()) given.what = read_prometheus(map, prometheus);
    if (health.present()) given.what = read_health(map, health);
    test_.given.push_back(std::move(given));
  }

  GivenRequests read_requests(YamlMap& map, const YamlValue& value) {
    GivenRequests out;
    out.per_second = per_second(value).value_or(0);
    out.source = map.get("source").text().value_or(out.source);
    out.error_share = map.get("errors").percent().value_or(0);
    out.exception_share = map.get("exceptions").percent().value_or(0);
    out.latency = map.get("latency").duration();
    out.slow_share = map.get("slow").percent().value_or(0);
    out.slow_latency = map.get("slow latency").duration().value_or(Duration::zero());
    out.cpu = map.get("cpu").duration();
    out.status = static_cast<std::uint16_t>(map.get("status").integer(100, 599).value_or(200));
    out.outcome = map.get("outcome").text().value_or("");
    out.version = map.get("version").text().value_or("");
    out.route = map.get("route").text().value_or("");
    out.method = map.get("method").text().value_or("");
    out.type = choice_of(map.get("type"), kInvocations).value_or(out.type);
    return out;
  }

  GivenQueue read_queue(YamlMap& map, const YamlValue& value) {
    GivenQueue out;
    out.queue = value.text().value_or("");
    out.every = every(map, out.every);
    out.depth = ramp(map.get("depth"));
    out.waiting = ramp(map.get("waiting"));
    out.active = ramp(map.get("active"));
    out.delayed = ramp(map.get("delayed"));
    out.failed = ramp(map.get("failed"));
    out.oldest = map.get("oldest").duration();
    out.completed = per_second(map.get("completed"));
    out.failures = per_second(map.get("failures"));
    out.retries = per_second(map.get("retries"));
    out.stalled = per_second(map.get("stalled"));
    return out;
  }

  GivenProbe read_probe(YamlMap& map, const YamlValue& value) {
    GivenProbe out;
    out.probe = value.text().value_or("");
    out.every = every(map, out.every);
    out.failure = read_failure(map.get("fails"));
    out.latency = map.get("latency").duration();
    out.version = map.get("version").text().value_or("");
    return out;
  }

  /// Which one, or only whether: `false` and `true` will do.
  static rules::ProbeFailure read_failure(const YamlValue& value) {
    const auto which = choice_of(value, kFailures, {"false", "true"});
    const bool is_true = value.text() == "true";
    return which.value_or(is_true ? rules::ProbeFailure::status : rules::ProbeFailure::none);
  }

  GivenMeasurement read_metric(YamlMap& map, const YamlValue& value) {
    GivenMeasurement out;
    out.name = value.text().value_or("");
    out.source = map.get("source").text().value_or(out.source);
    out.value = ramp(map.require("value")).value_or(Ramp{});
    out.per_second = per_second(map.get("samples")).value_or(1);
    out.version = map.get("version").text().value_or("");
    return out;
  }

  GivenMeasurement read_prometheus(YamlMap& map, const YamlValue& value) {
    GivenMeasurement out;
    out.kind = rules::Measurement::Kind::gauge;
    out.source = "prometheus";
    out.name = value.text().value_or("");
    out.value = ramp(map.require("value")).value_or(Ramp{});
    out.per_second = 1 / seconds(every(map, std::chrono::seconds{15}));
    return out;
  }

  GivenSource read_health(YamlMap& map, const YamlValue& value) {
    GivenSource out;
    out.source = map.require("source").text().value_or("");
    out.health = choice_of(value, kHealth, {"silent"});
    return out;
  }

  static Duration every(YamlMap& map, Duration otherwise) {
    return map.get("every")
        .duration(std::chrono::seconds{1}, std::chrono::hours{1})
        .value_or(otherwise);
  }

  void read_expected(const YamlValue& value) {
    YamlMap map(value, "an expectation");
    Expected out;
    out.place = value.place();
    const YamlValue at = map.get("at");
    const YamlValue first = map.get("first");
    const YamlValue never = map.get("never");
    const YamlValue state = map.get("state");
    out.rule = rule_;
    if (const YamlValue rule = map.get("rule"); rule.present()) out.rule = read_rule(rule);
    if (out.rule.empty()) value.fault("which rule? The file has several: write `rule: NAME`");
    out.at = time(at, Duration::zero());
    out.from = time(map.get("from"), Duration::zero());
    out.to = time(map.get("to"), Duration::max());
    if (const auto kind = map.get("kind").choice(kUnknownKinds)) out.kind = kUnknownKinds[*kind];
    const auto forms = std::array{&first, &never, &state};
    const auto written = std::count_if(forms.begin(), forms.end(),
                                       [](const YamlValue* form) { return form->present(); });
    const YamlValue& named = first.present() ? first : never.present() ? never : state;
    if (written != 1 || at.present() == never.present()) {
      if (value.kind() == YamlValue::Kind::map) {
        value.fault("write `at` and `state`, or `first` and `at`, or `never`");
      }
      return;
    }
    out.when = first.present()   ? Expected::When::first
               : never.present() ? Expected::When::never
                                 : Expected::When::at;
    if (const auto known = named.choice(kStates)) out.state = static_cast<Expected::State>(*known);
    test_.expect.push_back(std::move(out));
  }

  void settle_length() {
    if (test_.length == Duration::zero()) {
      value_.fault("a test has to say when: `to` in a series or `at` in an expectation");
      return;
    }
    double events = 0;
    for (Given& given : test_.given) {
      given.to = std::min(given.to, test_.length);
      const double lasts = std::max(0.0, seconds(given.to - given.from));
      if (const auto* requests = std::get_if<GivenRequests>(&given.what)) {
        events += requests->per_second * lasts;
      } else if (const auto* samples = std::get_if<GivenMeasurement>(&given.what)) {
        events += samples->per_second * lasts;
      }
    }
    for (Expected& expected : test_.expect) expected.to = std::min(expected.to, test_.length);
    if (events > kEventsMax) value_.fault("a test has at most 2,000,000 events");
  }

  const YamlValue& value_;
  const std::vector<std::string>& rule_names_;
  RuleTest test_;
  std::string rule_;
};

}  // namespace

RuleTest read_rule_test(const YamlValue& value, const std::vector<std::string>& rule_names) {
  return TestReader(value, rule_names).read();
}

}  // namespace belay::monitor
