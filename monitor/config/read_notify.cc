#include <fmt/format.h>

#include "monitor/config/sections.h"
#include "monitor/config/written_path.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

std::vector<SlackRoute> read_routes(const YamlValue& value) {
  std::vector<SlackRoute> routes;
  if (value.present() && value.kind() != YamlValue::Kind::list) {
    value.fault("a list of routes should stand here",
                "[ { slack: { webhook: \"${SLACK_WEBHOOK_URL}\" } } ]");
    return routes;
  }
  for (const YamlValue& one : value.list()) {
    YamlMap kinds(one, "a route");
    const YamlValue slack = kinds.get("slack");
    bool known = slack.present();
    for (const char* unbuilt : {"pagerduty", "alertmanager", "webhook", "email"}) {
      const YamlValue route = kinds.get(unbuilt);
      if (!route.present()) continue;
      known = true;
      route.hide();
      route.fault(fmt::format("{} is not told yet; slack is", unbuilt),
                  "slack: { webhook: \"${SLACK_WEBHOOK_URL}\" }");
    }
    if (!known)
      one.fault("a route says who is told", "slack: { webhook: \"${SLACK_WEBHOOK_URL}\" }");
    if (!slack.present()) continue;
    YamlMap map(slack, "slack");
    // One that cannot be read is reported where it stands; that nobody is told would be too much.
    routes.push_back({map.require("webhook").secret().value_or(Secret{})});
  }
  return routes;
}

}  // namespace

void read_notify(const YamlValue& value, Reading& reading) {
  if (!value.present()) return;
  YamlMap notify(value, "notify");
  reading.config.tell = read_routes(notify.get("tell"));
  reading.config.page = read_routes(notify.get("page"));
  if (const auto file = notify.get("audit").string()) {
    reading.config.audit = path_in(reading.directory, *file);
  }
}

void read_heartbeat(const YamlValue& value, Config& config) {
  if (!value.present()) return;
  YamlMap map(value, "heartbeat");
  HeartbeatConfig heartbeat;
  const YamlValue url = map.require("url");
  heartbeat.url = url.secret().value_or(Secret{});
  heartbeat.every = map.get("every").duration(1s, 24h).value_or(heartbeat.every);
  const std::string& text = heartbeat.url.reveal();
  if (!text.empty() && !text.starts_with("https://") && !text.starts_with("http://")) {
    url.fault("an address here starts with http:// or https://");
  }
  config.heartbeat = std::move(heartbeat);
}

}  // namespace belay::monitor
