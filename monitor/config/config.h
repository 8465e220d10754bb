#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "monitor/parse/log_parser.h"
#include "net/redis.h"
#include "rules/plan.h"

/// belay.yaml, typed and checked: what the shell is built from (docs/configuration.md). What the
/// engine needs of it is in `plan`, and Plan::sources has the same order as `sources` here.
namespace belay::monitor {

struct FileInput {
  std::filesystem::path path;
  bool from_beginning = false;  ///< Else from its end as it is at the start.
  bool operator==(const FileInput&) const = default;
};
struct StdinInput {
  bool operator==(const StdinInput&) const = default;
};
struct ExecInput {
  std::vector<std::string> argv;
  bool operator==(const ExecInput&) const = default;
};
/// Events are posted to the ingest listener.
struct PushInput {
  bool operator==(const PushInput&) const = default;
};
struct LogConfig {
  std::variant<FileInput, StdinInput, ExecInput, PushInput> input;
  LogFormat format = LogFormat::automatic;
  std::string latency_field;
  bool operator==(const LogConfig&) const = default;
};

struct ProbeConfig {
  std::string url;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Duration every = std::chrono::seconds{5};
  Duration timeout = std::chrono::seconds{2};
  std::vector<int> statuses;  ///< Empty: any of 200 to 299.
  std::string body_contains;  ///< Empty: any body.
  std::string json_path;      ///< "status" or "checks.db.ok"; empty: not looked at.
  std::string json_equals;    ///< As JSON writes it, strings without quotes.
  /// In a gate each version is probed by itself, with these headers; "{version}" is its id.
  std::vector<std::pair<std::string, std::string>> version_headers;
  std::string version_path;  ///< Where a JSON answer names its version; empty: it does not.
  std::string ca_file;
  bool operator==(const ProbeConfig&) const = default;
};

struct QueuesConfig {
  net::RedisUrl url;
  std::string prefix = "bull";
  std::vector<std::string> names;  ///< Empty: all that are found.
  Duration every = std::chrono::seconds{10};
  bool operator==(const QueuesConfig&) const = default;
};

/// The service's platform is read for what is deployed, as often as the plan's interval says.
struct PlatformWatch {
  bool operator==(const PlatformWatch&) const = default;
};

struct SourceConfig {
  std::string name;     ///< "tail", "healthz", "queues", "platform"
  std::string service;  ///< Empty: its events name their service.
  std::variant<LogConfig, ProbeConfig, QueuesConfig, PlatformWatch> of;
  bool operator==(const SourceConfig&) const = default;
};

struct CloudflareScript {
  std::string script;
  bool operator==(const CloudflareScript&) const = default;
};
/// An argv, never a shell. The order's evidence is in the environment (BELAY_TARGET, BELAY_SERVICE,
/// …).
struct CommandAction {
  std::vector<std::string> argv;
  std::vector<std::string> argv_written;  ///< Before `${…}` was filled in: fit for messages.
  std::vector<std::string> verify;  ///< Ends with 0 if what the command does is so. Empty: none.
  /// Of a platform: gives the candidate BELAY_PERCENT of the traffic. Empty: it has no splits.
  std::vector<std::string> move;
  std::vector<std::string> move_written;
  Duration timeout = std::chrono::seconds{60};
  std::vector<std::pair<std::string, std::string>> env;
  bool operator==(const CommandAction&) const = default;
};
/// Asked before the first step of a rollout: by HTTP or by command. Exit code 0 is fine, 1 is bad,
/// any other cannot be known.
struct PreflightCheck {
  std::string name;
  std::variant<ProbeConfig, CommandAction> of;
  bool operator==(const PreflightCheck&) const = default;
};
/// An app of Fly.io. Belay reaches it by a command as yet.
struct FlyApp {
  std::string app;
  std::optional<CommandAction> rollback;  ///< Absent: nothing can roll it back.
  bool operator==(const FlyApp&) const = default;
};
struct FlagConfig {
  net::RedisUrl url;
  std::string key;
  std::string field;  ///< Of a hash; empty: the key itself is the flag.
  std::string expect;
  std::string safe;
  std::string channel;  ///< Told after a reset; empty: nobody.
};

struct CloudflareAccount {
  std::string account;
  Secret token;
  std::string api = "https://api.cloudflare.com/client/v4";
  bool force = false;
  bool operator==(const CloudflareAccount&) const = default;
};

struct ServiceConfig {
  std::string name;
  /// monostate: nothing can roll it back.
  std::variant<std::monostate, CloudflareScript, FlyApp, CommandAction> platform;
  std::vector<PreflightCheck> preflight;
  bool operator==(const ServiceConfig&) const = default;
};

/// Whether its platform can give a version a part of the traffic.
[[nodiscard]] bool moves_traffic(const ServiceConfig& service);

/// Something that rules name: `of` is what stands behind the name for `service`, or (empty) for
/// every service that has nothing of its own under it.
template <typename Of>
struct Named {
  std::string service;
  std::string name;
  Of of;
};

struct SlackRoute {
  Secret webhook;
  bool operator==(const SlackRoute&) const = default;
};

/// What a token is good for. `gate` includes `read`; pushing events is apart from both.
enum class Scope : std::uint8_t { read, gate, ingest };

/// One of `tokens`: its name is who did it, in the journal and in messages.
struct TokenConfig {
  std::string name;
  Secret token;
  std::vector<Scope> scopes;  ///< Not empty.
  bool operator==(const TokenConfig&) const = default;
};

/// `listen`: the API.
struct ApiConfig {
  std::string address = "127.0.0.1:8080";  ///< Empty: off.
  bool is_default = true;                  ///< Not written: a taken address is no reason to end.
  bool operator==(const ApiConfig&) const = default;
};

struct IngestConfig {
  std::string address;
  Secret token;  ///< Empty, and no token with the scope `ingest`: none is asked for.
};

struct HeartbeatConfig {
  Secret url;  ///< Such addresses are passwords.
  Duration every = std::chrono::seconds{60};
  bool operator==(const HeartbeatConfig&) const = default;
};

struct Config {
  std::filesystem::path file;
  std::filesystem::path state;
  std::string metrics;             ///< Address; empty: off.
  bool metrics_is_default = true;  ///< Not written: only the daemon listens there.
  ApiConfig api;
  std::vector<TokenConfig> tokens;
  std::optional<IngestConfig> ingest;
  std::optional<CloudflareAccount> cloudflare;
  std::vector<SourceConfig> sources;
  std::vector<ServiceConfig> services;  ///< As Plan::services.
  std::vector<Named<FlagConfig>> flags;
  std::vector<Named<CommandAction>> commands;
  std::vector<SlackRoute> tell;
  std::vector<SlackRoute> page;
  std::filesystem::path audit;  ///< Takes a line of JSON for each notice; empty: none is written.
  std::optional<HeartbeatConfig> heartbeat;
  rules::Plan plan;
};

}  // namespace belay::monitor
