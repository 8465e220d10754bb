#include <fmt/format.h>

#include "monitor/config/sections.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr const char* kMetricsDefault = "127.0.0.1:9090";

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
      route.fault(fmt::format("{} is not told yet; slack is", unbuilt),
                  "slack: { webhook: \"${SLACK_WEBHOOK_URL}\" }");
    }
    if (!known)
      one.fault("a route says who is told", "slack: { webhook: \"${SLACK_WEBHOOK_URL}\" }");
    if (!slack.present()) continue;
    YamlMap map(slack, "slack");
    if (auto webhook = map.require("webhook").secret()) routes.push_back({std::move(*webhook)});
  }
  return routes;
}

void read_ingest(const YamlValue& value, Config& config) {
  if (!value.present()) return;
  IngestConfig ingest;
  if (value.kind() == YamlValue::Kind::map) {
    YamlMap map(value, "ingest");
    ingest.address = read_address(map.require("listen")).value_or("");
    ingest.token = map.get("token").secret().value_or(Secret{});
  } else {
    ingest.address = read_address(value).value_or("");
  }
  if (!ingest.address.empty() && !is_loopback(ingest.address) && ingest.token.empty()) {
    value.fault("off loopback, pushing events needs a token",
                "{ listen: \"" + ingest.address + "\", token: \"${BELAY_INGEST_TOKEN}\" }");
  }
  config.ingest = std::move(ingest);
}

}  // namespace

void read_notify(const YamlValue& value, Reading& reading) {
  if (!value.present()) return;
  YamlMap notify(value, "notify");
  reading.config.tell = read_routes(notify.get("tell"));
  reading.config.page = read_routes(notify.get("page"));
  if (const auto file = notify.get("audit").string()) {
    reading.config.audit = reading.directory / *file;
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

void read_listeners(YamlMap& top, Config& config) {
  if (const YamlValue listen = top.get("listen"); listen.present()) {
    listen.fault(
        "the API and the live page are not built yet, so nothing would listen there; /metrics, "
        "/healthz and /readyz are served on `metrics`");
  }
  const YamlValue metrics = top.get("metrics");
  config.metrics_is_default = !metrics.present();
  if (metrics.text() == "off") {
    config.metrics.clear();
  } else {
    config.metrics = read_address(metrics).value_or(kMetricsDefault);
  }
  read_ingest(top.get("ingest"), config);
}

}  // namespace belay::monitor
