#include <utility>

#include "monitor/config/sections.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTimeout = 10s;

void read_check(const YamlEntry& entry, ServiceConfig& service) {
  if (!check_name(entry, "a check")) return;
  YamlMap map(entry.value, "a check of before the first step");
  const YamlValue url = map.get("url");
  const YamlValue command = map.get("command");
  if (url.present() == command.present()) {
    entry.value.fault("a check is either a `url` that is asked or a `command` that is run",
                      "{ url: \"https://staging.example.com/healthz\" }");
    return;
  }
  PreflightCheck check{.name = entry.name};
  if (command.present()) {
    const YamlValue verify = map.get("verify");
    if (verify.present()) verify.fault("a check changes nothing that could be verified");
    check.of = read_command_action(map, "command", "command");
  } else {
    ProbeConfig probe = read_request(map);
    probe.timeout = map.get("timeout").duration(1ms, 5min).value_or(kTimeout);
    check.of = std::move(probe);
  }
  service.preflight.push_back(std::move(check));
}

}  // namespace

void read_preflight(const YamlValue& value, ServiceConfig& service) {
  for (const YamlEntry& entry : value.entries()) read_check(entry, service);
}

}  // namespace belay::monitor
