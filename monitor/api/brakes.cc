#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/suggest.h"
#include "monitor/api/body.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

constexpr Duration kLongest = 24h * 30;

/// "for", in bounds; zero ends what was said before.
Duration read_time(Body& body) {
  const auto lasts = body.duration("for");
  if (!lasts) body.fault("for", "say for how long: 2h");
  if (lasts && *lasts > kLongest) body.fault("for", "at most 30 days");
  return lasts.value_or(Duration{});
}

/// Puts the service's own name in place of an alias; empty means all of them.
std::optional<Problem> resolve_service(const rules::Snapshot& snapshot, std::string& name) {
  if (name.empty()) return std::nullopt;
  const rules::ServiceStatus* service = service_of(snapshot, name);
  if (service == nullptr) {
    return Problem{
        Problem::Kind::unknown_service, "no service is called " + name, {{"field", "service"}}};
  }
  name = service->name;
  return std::nullopt;
}

bool is_disarmed(const rules::Snapshot& snapshot, const rules::Disarmed& disarmed) {
  return std::ranges::all_of(snapshot.services, [&](const rules::ServiceStatus& service) {
    const bool is_meant = disarmed.service.empty() || service.name == disarmed.service;
    return !is_meant || (service.disarmed_until && *service.disarmed_until >= disarmed.until);
  });
}

bool is_silenced(const rules::Snapshot& snapshot, const rules::Silenced& wanted) {
  return std::ranges::any_of(snapshot.services, [&](const rules::ServiceStatus& service) {
    return std::ranges::any_of(service.silenced, [&](const rules::Silenced& silenced) {
      return silenced.rule == wanted.rule && silenced.until == wanted.until;
    });
  });
}

std::optional<Problem> unknown_rule(const ApiParts& parts, const rules::Snapshot& snapshot,
                                    const std::string& service, const std::string& name) {
  std::set<std::string> known;
  if (parts.rules) known = parts.rules(service);
  std::vector<std::string_view> names(known.begin(), known.end());
  for (const rules::ServiceStatus& one : snapshot.services) {
    if (!service.empty() && one.name != service) continue;
    for (const rules::RuleStatus& rule : one.rules) names.push_back(rule.rule);
    if (!one.rollout) continue;
    for (const rules::RuleStatus& rule : one.rollout->rules) names.push_back(rule.rule);
  }
  if (std::ranges::find(names, name) != names.end()) return std::nullopt;
  const auto meant = nearest(name, names);
  return Problem{Problem::Kind::unknown_rule,
                 "no rule is called " + name +
                     (meant ? "; did you mean " + std::string(*meant) + "?" : std::string{}),
                 {{"field", "rule"}}};
}

}  // namespace

net::Outgoing disarm(const Call& call) {
  Body body(call.request);
  rules::Disarmed disarmed{.at = call.context.parts.now(),
                           .service = body.text("service").value_or("")};
  const Duration lasts = read_time(body);
  disarmed.until = disarmed.at + lasts;
  disarmed.by = doer_of(call, body.text("by"));
  if (const auto problem = body.problem()) return call.refuse(*problem);
  const auto published = call.context.newest.published();
  if (const auto problem = resolve_service(published->snapshot, disarmed.service)) {
    return call.refuse(*problem);
  }
  const ordered_json json{
      {"service", disarmed.service}, {"until_ms", unix_ms(disarmed.until)}, {"by", disarmed.by}};
  auto shown = [disarmed, json](const Seen& seen) -> std::optional<net::Outgoing> {
    if (!seen.is_settled && !is_disarmed(seen.snapshot, disarmed)) return std::nullopt;
    return answer_json(json);
  };
  return change(call, disarmed, std::move(shown), json);
}

net::Outgoing list_silences(const Call& call) {
  const auto published = call.context.newest.published();
  ordered_json silences = ordered_json::array();
  for (const rules::ServiceStatus& service : published->snapshot.services) {
    for (const rules::Silenced& silenced : service.silenced) {
      silences.push_back({{"service", service.name},
                          {"rule", silenced.rule},
                          {"until_ms", unix_ms(silenced.until)},
                          {"by", silenced.by}});
    }
  }
  return answer_json({{"silences", std::move(silences)}});
}

net::Outgoing silence(const Call& call) {
  Body body(call.request);
  rules::Silenced silenced{.at = call.context.parts.now(),
                           .service = body.text("service").value_or(""),
                           .rule = body.require_text("rule")};
  const Duration lasts = read_time(body);
  silenced.until = silenced.at + lasts;
  silenced.by = doer_of(call, body.text("by"));
  if (const auto problem = body.problem()) return call.refuse(*problem);
  const auto published = call.context.newest.published();
  const rules::Snapshot& snapshot = published->snapshot;
  if (const auto problem = resolve_service(snapshot, silenced.service)) {
    return call.refuse(*problem);
  }
  if (const auto problem =
          unknown_rule(call.context.parts, snapshot, silenced.service, silenced.rule)) {
    return call.refuse(*problem);
  }
  const ordered_json json{{"service", silenced.service},
                          {"rule", silenced.rule},
                          {"until_ms", unix_ms(silenced.until)},
                          {"by", silenced.by}};
  auto shown = [silenced, json](const Seen& seen) -> std::optional<net::Outgoing> {
    if (!seen.is_settled && !is_silenced(seen.snapshot, silenced)) return std::nullopt;
    return answer_json(json);
  };
  return change(call, silenced, std::move(shown), json);
}

}  // namespace belay::monitor
