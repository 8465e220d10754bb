#include <array>

#include <fmt/format.h>

#include "monitor/config/sections.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

/// The words of a list as they stand in the file. What is wrong with it was reported before.
std::vector<std::string> written(const YamlValue& value) {
  std::vector<std::string> words;
  if (value.kind() != YamlValue::Kind::list) return words;
  for (const YamlValue& word : value.list()) {
    if (word.kind() == YamlValue::Kind::scalar) words.push_back(word.text().value_or(""));
  }
  return words;
}

void read_flag(const YamlEntry& entry, const std::string& service, Reading& reading) {
  if (!check_name(entry, "a flag")) return;
  YamlMap kinds(entry.value, "a flag");
  const YamlValue redis = kinds.get("redis");
  if (const YamlValue kv = kinds.get("cloudflare-kv"); kv.present()) {
    kv.fault("flags in Cloudflare KV are not reset yet; those in `redis` are");
    return;
  }
  if (!redis.present()) {
    entry.value.fault("a flag says where it is kept",
                      "{ redis: { url: …, key: …, expect: …, safe: … } }");
    return;
  }
  YamlMap map(redis, "a flag in redis");
  FlagConfig flag;
  if (auto url = read_redis_url(map.require("url"), map.get("ca"), reading)) {
    flag.url = std::move(*url);
  }
  flag.key = map.require("key").string().value_or("");
  flag.field = map.get("field").string().value_or("");
  const YamlValue safe = map.require("safe");
  flag.expect = map.require("expect").string().value_or("");
  flag.safe = safe.string().value_or("");
  flag.channel = map.get("channel").string().value_or("");
  if (flag.expect == flag.safe && safe.present()) {
    safe.fault("`safe` is what `expect` is: there would be nothing to reset");
  }
  reading.config.flags.push_back({service, entry.name, std::move(flag)});
}

void read_script(const YamlValue& value, ServiceConfig& service, const Reading& reading) {
  YamlMap map(value, "a Worker");
  CloudflareScript script{map.require("script").string().value_or("")};
  if (!reading.config.cloudflare) {
    value.fault("platforms.cloudflare is missing: it holds the account and the token");
  }
  service.platform = std::move(script);
}

CommandAction read_rollback(YamlMap& map, const YamlValue& place, const Reading& reading) {
  CommandAction action = read_command_action(map, "rollback", "rollback", reading);
  const YamlValue move = map.get("move");
  action.move = read_argv(move, "move", reading);
  action.move_written = written(move);
  if (action.verify.empty()) {
    place.warning(
        "without `verify` nothing shows whether a rollback arrived: after an unclear end it is "
        "reported, never tried again");
  }
  return action;
}

void read_fly_app(const YamlValue& value, ServiceConfig& service, const Reading& reading) {
  YamlMap map(value, "a Fly app");
  FlyApp app{.app = map.require("app").string().value_or(""), .rollback = std::nullopt};
  if (map.get("rollback").present()) {
    app.rollback = read_rollback(map, value, reading);
  } else {
    for (const char* key : {"verify", "timeout", "env"}) {
      const YamlValue part = map.get(key);
      if (part.present()) part.fault("this is of a command, and there is no `rollback`");
    }
  }
  service.platform = std::move(app);
}

}  // namespace

CommandAction read_command_action(YamlMap& map, const char* argv_key, const std::string& what,
                                  const Reading& reading) {
  CommandAction command;
  const YamlValue argv = map.require(argv_key);
  command.argv = read_argv(argv, what, reading);
  command.argv_written = written(argv);
  command.verify = read_argv(map.get("verify"), "verify", reading);
  command.timeout = map.get("timeout").duration(100ms, 1h).value_or(command.timeout);
  command.env = read_pairs(map.get("env"));
  return command;
}

void read_platforms(const YamlValue& value, Reading& reading) {
  if (!value.present()) return;
  YamlMap platforms(value, "platforms");
  if (const YamlValue cloudflare = platforms.get("cloudflare"); cloudflare.present()) {
    YamlMap map(cloudflare, "platforms.cloudflare");
    CloudflareAccount account;
    account.account = map.require("account").string().value_or("");
    account.token = map.require("token").secret().value_or(Secret{});
    account.api = read_url(map.get("api")).value_or(account.api);
    account.force = map.get("force").boolean().value_or(false);
    reading.config.cloudflare = std::move(account);
  }
  if (const YamlValue fly = platforms.get("fly"); fly.present()) {
    fly.fault("Fly's API is not spoken to yet: name a command in the service's `platform`",
              "fly: { app: APP, rollback: [./deploy-fly] }, which finds the image in "
              "$BELAY_TARGET");
    // Asked for, so that its keys are not reported as unknown on top.
    YamlMap map(fly, "platforms.fly");
    for (const char* key : {"token", "org"}) map.get(key).hide();
  }
}

void read_flags(const YamlValue& value, const std::string& service, Reading& reading) {
  for (const YamlEntry& entry : value.entries()) read_flag(entry, service, reading);
}

void read_commands(const YamlValue& value, const std::string& service, Reading& reading) {
  for (const YamlEntry& entry : value.entries()) {
    if (!check_name(entry, "a command")) continue;
    YamlMap map(entry.value, "a command");
    reading.config.commands.push_back(
        {service, entry.name, read_command_action(map, "argv", "a command", reading)});
  }
}

void read_platform(const YamlValue& value, ServiceConfig& service, const Reading& reading) {
  if (!value.present()) return;
  YamlMap platform(value, "a platform");
  const YamlValue cloudflare = platform.get("cloudflare");
  const YamlValue fly = platform.get("fly");
  const YamlValue command = platform.get("command");
  if (cloudflare.present() + fly.present() + command.present() != 1) {
    value.fault("a platform is exactly one of `cloudflare`, `fly` and `command`");
    return;
  }
  if (cloudflare.present()) return read_script(cloudflare, service, reading);
  if (fly.present()) return read_fly_app(fly, service, reading);
  YamlMap map(command, "a command platform");
  service.platform = read_rollback(map, command, reading);
}

}  // namespace belay::monitor
