#include <utility>

#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "monitor/version.h"

namespace belay::monitor {

using nlohmann::ordered_json;

net::Outgoing show_status(const Call& call) {
  const auto published = call.context.newest.published();
  const rules::Snapshot& snapshot = published->snapshot;
  ordered_json json{{"version", kVersion},
                    {"at_ms", unix_ms(snapshot.at)},
                    {"recorded", call.context.parts.is_recorded()},
                    {"services", ordered_json::array()}};
  for (const rules::ServiceStatus& service : snapshot.services) {
    ordered_json one{{"service", service.name},
                     {"mode", name_of(service.mode)},
                     {"verdict", name_of(service.verdict)}};
    if (service.unknown) one["unknown"] = name_of(*service.unknown);
    if (service.disarmed_until) one["disarmed_until_ms"] = unix_ms(*service.disarmed_until);
    one["firing"] = ordered_json::array();
    for (const rules::RuleStatus& rule : service.rules) {
      if (rule.firing) one["firing"].push_back(rule.rule);
    }
    if (service.rollout) {
      one["rollout"] = {{"id", service.rollout->id}, {"state", name_of(service.rollout->state)}};
    }
    json["services"].push_back(std::move(one));
  }
  return answer_json(json);
}

net::Outgoing list_services(const Call& call) {
  const auto published = call.context.newest.published();
  ordered_json services = ordered_json::array();
  for (const rules::ServiceStatus& service : published->snapshot.services) {
    services.push_back(service_view(service));
  }
  return answer_json({{"at_ms", unix_ms(published->snapshot.at)}, {"services", services}});
}

net::Outgoing show_service(const Call& call) {
  const auto published = call.context.newest.published();
  const rules::ServiceStatus* service = service_of(published->snapshot, call.path.front());
  if (service == nullptr) {
    return call.refuse(
        {Problem::Kind::unknown_service, "no service is called " + call.path.front()});
  }
  ordered_json json = service_view(*service);
  ordered_json whole = exporters::json_of(*service);
  json["series"] = std::move(whole["series"]);
  json["recent"] = std::move(whole["recent"]);
  return answer_json(json);
}

net::Outgoing list_sources(const Call& call) {
  const auto published = call.context.newest.published();
  return answer_json(
      {{"at_ms", unix_ms(published->snapshot.at)}, {"sources", sources_view(published->snapshot)}});
}

}  // namespace belay::monitor
