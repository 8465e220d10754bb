#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "monitor/config/sections.h"
#include "monitor/config/written_path.h"
#include "monitor/sources/call_budget.h"
#include "monitor/sources/probe.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 5> kFormats = {"auto", "cloudflare", "logpush", "fly",
                                                      "generic"};

constexpr std::array<std::string_view, 2> kAims = {"cloudflare", "fly"};
constexpr std::size_t kAimCloudflare = 0;

constexpr std::array<std::string_view, 2> kFrom = {"start", "end"};
constexpr std::size_t kFromStart = 0;
constexpr Duration kPlatformEvery = 10s;

void add_source(const YamlValue& place, SourceConfig source, rules::SourcePlan plan,
                Reading& reading) {
  const bool taken = std::ranges::any_of(reading.config.sources, [&](const SourceConfig& other) {
    return other.name == source.name && other.service == source.service;
  });
  if (taken) {
    place.fault(
        fmt::format("there is another source named {}: give this one a `name`", source.name));
  }
  plan.name = source.name;
  plan.service = source.service;
  reading.config.plan.sources.push_back(std::move(plan));
  reading.config.sources.push_back(std::move(source));
}

void refuse_unbuilt_inputs(YamlMap& logs) {
  if (const YamlValue native = logs.get("cloudflare-tail"); native.present()) {
    native.fault("the Cloudflare tail is not read natively yet: let wrangler read it",
                 "exec: [wrangler, tail, SCRIPT, --format, json]");
  }
  if (const YamlValue nats = logs.get("nats"); nats.present()) {
    nats.fault("NATS is not read yet: let flyctl read Fly's logs",
               "exec: [fly, logs, --app, APP, --json]");
  }
}

void read_input(YamlMap& logs, Reading& reading, LogConfig& config) {
  refuse_unbuilt_inputs(logs);
  int inputs = 0;
  if (const YamlValue file = logs.get("file"); file.present()) {
    ++inputs;
    const bool from_beginning = logs.get("from").choice(kFrom) == kFromStart;
    if (auto path = file.string()) {
      config.input = FileInput{path_in(reading.directory, *path), from_beginning};
    }
  }
  if (const YamlValue exec = logs.get("exec"); exec.present()) {
    ++inputs;
    config.input = ExecInput{read_argv(exec, "exec", reading)};
  }
  if (logs.get("stdin").present()) {
    ++inputs;
    config.input = StdinInput{};
  }
  if (logs.get("push").present()) {
    ++inputs;
    config.input = PushInput{};
  }
  const bool unbuilt = logs.get("cloudflare-tail").present() || logs.get("nats").present();
  if (inputs != 1 && !unbuilt) {
    logs.value().fault("logs come from exactly one of `file`, `exec`, `stdin` and `push`");
  }
}

void read_log(const YamlValue& value, const std::string& service, Reading& reading) {
  YamlMap logs(value, "logs");
  LogConfig config;
  rules::SourcePlan plan;
  read_input(logs, reading, config);
  const std::string name = logs.get("name").text().value_or("tail");
  if (const auto format = logs.get("format").choice(kFormats)) {
    config.format = *log_format_of(kFormats[*format]);
  }
  config.latency_field = logs.get("latency field").string().value_or("");
  // Logpush sends a batch a minute, and may be some of them behind.
  if (config.format == LogFormat::cloudflare_logpush) plan.lateness = 5min;
  plan.lateness = logs.get("lateness").duration(0s, 24h).value_or(plan.lateness);
  plan.reports_all = !logs.get("filtered").boolean().value_or(false);
  if (plan.reports_all) {
    const auto* exec = std::get_if<ExecInput>(&config.input);
    // wrangler's own filters: what is left of a tail that has one is no sample of the whole.
    const auto filters = [](const std::string& argument) {
      return argument == "--status" || argument == "--search" ||
             argument.starts_with("--status=") || argument.starts_with("--search=");
    };
    if (exec != nullptr && std::ranges::any_of(exec->argv, filters)) plan.reports_all = false;
  }
  add_source(value, {name, service, std::move(config)}, plan, reading);
}

void read_expectations(const YamlValue& value, ProbeConfig& probe) {
  YamlMap expect(value, "what a probe expects");
  const YamlValue status = expect.get("status");
  if (status.kind() == YamlValue::Kind::list) {
    for (const YamlValue& one : status.list()) {
      if (const auto code = one.integer(100, 599))
        probe.statuses.push_back(static_cast<int>(*code));
    }
  } else if (const auto code = status.integer(100, 599)) {
    probe.statuses.push_back(static_cast<int>(*code));
  }
  probe.body_contains = expect.get("body").string().value_or("");
  const YamlValue json = expect.get("json");
  if (!json.present()) return;
  if (json.entries().size() != 1) {
    json.fault("one field and what it must be", "json: { status: ok }");
    return;
  }
  const YamlEntry field = json.entries().front();
  probe.json_path = field.name;
  probe.json_equals = field.value.string().value_or("");
}

/// How each version of a gate is aimed at: by headers as they are written, or the platform's own.
void read_aim(YamlMap& map, const ServiceConfig& service, ProbeConfig& probe) {
  probe.version_headers = read_pairs(map.get("version headers"));
  probe.version_path = map.get("version field").string().value_or("");
  const YamlValue aim = map.get("aim");
  const auto platform = aim.choice(kAims);
  if (!platform) return;
  net::Header header = fly_instance_header();
  if (*platform == kAimCloudflare) {
    const auto* worker = std::get_if<CloudflareScript>(&service.platform);
    if (worker == nullptr) {
      aim.fault(
          "only a Worker's versions are aimed at so: the service has no "
          "`platform: { cloudflare: { script: … } }`");
      return;
    }
    if (probe.version_path.empty()) {
      aim.warning(
          "Cloudflare ignores the aim, without a word, for a version it does not know yet: "
          "without `version field` such an answer counts for the wrong version");
    }
    header = cloudflare_version_header(worker->script);
  }
  probe.version_headers.emplace_back(std::move(header.name), std::move(header.value));
}

void read_probe(const YamlEntry& entry, const ServiceConfig& service, Reading& reading) {
  if (!check_name(entry, "a probe")) return;
  YamlMap map(entry.value, "a probe");
  ProbeConfig probe = read_request(map, reading);
  probe.every = map.get("every").duration(100ms, 1h).value_or(probe.every);
  const YamlValue timeout = map.get("timeout");
  probe.timeout = timeout.duration(1ms, 5min).value_or(std::min(probe.timeout, probe.every));
  if (probe.timeout > probe.every) {
    timeout.fault(fmt::format("a probe must end before the next one: at most {} (its `every`)",
                              format_duration(probe.every)));
  }
  read_aim(map, service, probe);
  const rules::SourcePlan plan{.kind = rules::SourceKind::probe, .interval = probe.every};
  add_source(entry.value, {entry.name, service.name, std::move(probe)}, plan, reading);
}

}  // namespace

ProbeConfig read_request(YamlMap& map, const Reading& reading) {
  ProbeConfig probe;
  probe.url = read_url(map.require("url")).value_or("");
  probe.method = map.get("method").string().value_or(probe.method);
  probe.headers = read_pairs(map.get("headers"));
  const YamlValue body = map.get("body");
  body.hide();
  probe.body = body.string().value_or("");
  probe.ca_file = read_authorities(map.get("ca"), reading).value_or("");
  read_expectations(map.get("expect"), probe);
  return probe;
}

void read_logs(const YamlValue& value, const std::string& service, Reading& reading) {
  if (!value.present()) return;
  if (value.kind() != YamlValue::Kind::list) return read_log(value, service, reading);
  for (const YamlValue& one : value.list()) read_log(one, service, reading);
}

void read_probes(const YamlValue& value, const ServiceConfig& service, Reading& reading) {
  for (const YamlEntry& entry : value.entries()) read_probe(entry, service, reading);
}

void read_queues(const YamlValue& value, const std::string& service, Reading& reading) {
  if (!value.present()) return;
  YamlMap kinds(value, "queues");
  if (const YamlValue cloudflare = kinds.get("cloudflare"); cloudflare.present()) {
    cloudflare.fault("Cloudflare Queues are not read yet; `redis` (BullMQ) is");
  }
  const YamlValue redis = kinds.get("redis");
  if (!redis.present()) {
    if (!kinds.get("cloudflare").present()) value.fault("queues are read from `redis` (BullMQ)");
    return;
  }
  YamlMap map(redis, "queues in redis");
  QueuesConfig queues;
  if (auto url = read_redis_url(map.require("url"), map.get("ca"), reading)) {
    queues.url = std::move(*url);
  }
  queues.prefix = map.get("prefix").string().value_or(queues.prefix);
  for (const YamlValue& name : map.get("names").list()) {
    if (auto text = name.string()) queues.names.push_back(std::move(*text));
  }
  queues.every = map.get("every").duration(1s, 1h).value_or(queues.every);
  const rules::SourcePlan plan{.kind = rules::SourceKind::queue, .interval = queues.every};
  add_source(value, {map.get("name").text().value_or("queues"), service, std::move(queues)}, plan,
             reading);
}

void add_platform_watches(const YamlValue& place, Reading& reading) {
  const auto is_watched = [](const ServiceConfig& service) {
    return std::holds_alternative<CloudflareScript>(service.platform);
  };
  const auto watches = std::ranges::count_if(reading.config.services, is_watched);
  const Duration every = std::max<Duration>(kPlatformEvery, CallBudget::kSpacing * watches);
  for (const ServiceConfig& service : reading.config.services) {
    if (!is_watched(service)) continue;
    const rules::SourcePlan plan{.kind = rules::SourceKind::platform, .interval = every};
    add_source(place, {"platform", service.name, PlatformWatch{}}, plan, reading);
  }
}

}  // namespace belay::monitor
