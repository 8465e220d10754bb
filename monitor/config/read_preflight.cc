#include <utility>

#include "monitor/config/sections.h"
#include "monitor/config/sentence_needs.h"
#include "rules/language/parser.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTimeout = 10s;

/// A sentence says, as in any rule, what is bad.
void read_sentence(const YamlValue& when, const std::string& name, rules::ServicePlan& plan) {
  const auto text = when.string();
  if (!text) return;
  rules::ParsedSentence parsed = rules::parse_sentence(*text);
  for (const rules::Diagnostic& one : parsed.diagnostics) when.report(one);
  if (!parsed.sentence) return;
  if (needs_of(*parsed.sentence).versions) {
    return when.fault("it compares versions, and before the first step only one has traffic",
                      "5xx rate > 1% over 5m");
  }
  plan.preflight_rules.push_back({.name = name, .sentence = *std::move(parsed.sentence)});
}

void read_check(const YamlEntry& entry, ServiceConfig& service, rules::ServicePlan& plan,
                const Reading& reading) {
  if (!check_name(entry, "a check")) return;
  YamlMap map(entry.value, "a check of before the first step");
  const YamlValue url = map.get("url");
  const YamlValue command = map.get("command");
  const YamlValue when = map.get("when");
  if (url.present() + command.present() + when.present() != 1) {
    entry.value.fault(
        "a check is a `url` that is asked, a `command` that is run, or a sentence of what is bad",
        "{ when: 5xx rate > 1% over 5m }");
    return;
  }
  if (when.present()) return read_sentence(when, entry.name, plan);
  PreflightCheck check{.name = entry.name};
  if (command.present()) {
    const YamlValue verify = map.get("verify");
    if (verify.present()) verify.fault("a check changes nothing that could be verified");
    check.of = read_command_action(map, "command", "command", reading);
  } else {
    ProbeConfig probe = read_request(map, reading);
    probe.timeout = map.get("timeout").duration(1ms, 5min).value_or(kTimeout);
    check.of = std::move(probe);
  }
  service.preflight.push_back(std::move(check));
}

}  // namespace

void read_preflight(const YamlValue& value, ServiceConfig& service, rules::ServicePlan& plan,
                    const Reading& reading) {
  for (const YamlEntry& entry : value.entries()) read_check(entry, service, plan, reading);
}

}  // namespace belay::monitor
