#include "monitor/api/views.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "monitor/rollout_result.h"
#include "net/digest.h"

namespace belay::monitor {

using nlohmann::ordered_json;

ordered_json service_view(const rules::ServiceStatus& service) {
  ordered_json json = exporters::json_of(service);
  json.erase("series");
  json.erase("recent");
  if (service.rollout) json["rollout"] = service.rollout->id;
  return json;
}

ordered_json rollout_view(const rules::RolloutStatus& rollout) {
  ordered_json json = exporters::json_of(rollout);
  if (const auto result = result_of(rollout)) {
    json["result"] = name_of(result->code);
    json["exit_code"] = static_cast<int>(result->code);
  }
  return json;
}

ordered_json rollout_view(const rules::RolloutStatus& rollout, const rules::Snapshot& snapshot) {
  ordered_json json = rollout_view(rollout);
  const rules::ServiceStatus* service = service_of(snapshot, rollout.service);
  if (service == nullptr || rollout.ended || !service->disarmed_until) return json;
  if (*service->disarmed_until > snapshot.at)
    json["disarmed_until_ms"] = unix_ms(*service->disarmed_until);
  return json;
}

ordered_json sources_view(const rules::Snapshot& snapshot) {
  ordered_json json = ordered_json::array();
  for (const rules::SourceStatus& source : snapshot.sources) {
    json.push_back(exporters::json_of(source));
  }
  return json;
}

std::string etag_of(const rules::RolloutStatus& rollout) {
  std::string what = fmt::format("{} {} {} {} {} {} {} {}", rollout.id, name_of(rollout.state),
                                 rollout.held ? name_of(*rollout.held) : "", rollout.step,
                                 name_of(rollout.verdict), rollout.intents.size(),
                                 rollout.timeline.size(), rollout.ended.has_value());
  if (!rollout.timeline.empty()) what += fmt::format(" {}", unix_ms(rollout.timeline.back().at));
  for (const rules::RuleStatus& rule : rollout.rules) {
    what += fmt::format(" {} {} {}", rule.rule, name_of(rule.truth), rule.firing);
  }
  const net::Digest digest = net::sha256(what);
  return "\"" + net::hex_of(std::span(digest).first(8)) + "\"";
}

const rules::ServiceStatus* service_of(const rules::Snapshot& snapshot, const std::string& name) {
  const std::vector<rules::ServiceStatus>& all = snapshot.services;
  auto found = std::ranges::find(all, name, &rules::ServiceStatus::name);
  if (found == all.end()) {
    found = std::ranges::find_if(all, [&name](const rules::ServiceStatus& service) {
      return std::ranges::find(service.aliases, name) != service.aliases.end();
    });
  }
  return found == all.end() ? nullptr : &*found;
}

const rules::RolloutStatus* rollout_of(const rules::Snapshot& snapshot, const std::string& id) {
  for (const rules::ServiceStatus& service : snapshot.services) {
    if (service.rollout && service.rollout->id == id) return &*service.rollout;
    const auto past = std::ranges::find(service.past, id, &rules::RolloutStatus::id);
    if (past != service.past.end()) return &*past;
  }
  return nullptr;
}

}  // namespace belay::monitor
