#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "monitor/config/config.h"
#include "monitor/config/rule_file.h"
#include "monitor/config/strict_yaml.h"

/// The sections of belay.yaml, each read by one file. Every reader reports its faults to the
/// value's file and goes on with a default, so that one run shows all of them.
namespace belay::monitor {

/// What the readers share while one configuration is read.
struct Reading {
  /// One service named by another, and where.
  struct Mention {
    std::string service;
    std::string name;
    bool is_order = false;  ///< Of `after`; else of `guards`.
    YamlValue place;
  };
  std::filesystem::path directory;  ///< That of belay.yaml: relative paths start here (path_in).
  Config config;
  std::map<std::string, RuleFile> rule_files;  ///< By reference; each is read once.
  std::vector<std::string> rule_file_order;
  bool takes_all_back = false;  ///< `trains: on fail`: the default of each service.
  std::vector<Mention> mentions;
};

/// `logs:` of a service, or of all of them (service empty).
void read_logs(const YamlValue& value, const std::string& service, Reading& reading);
void read_probes(const YamlValue& value, const ServiceConfig& service, Reading& reading);
void read_queues(const YamlValue& value, const std::string& service, Reading& reading);
/// Once all services are read: each platform that can tell what is deployed becomes a source, none
/// read more often than the token of all of them can bear.
void add_platform_watches(const YamlValue& place, Reading& reading);

/// `platforms:` (accounts and tokens).
void read_platforms(const YamlValue& value, Reading& reading);
/// `flags:` and `commands:` of a service, or of all of them (service empty).
void read_flags(const YamlValue& value, const std::string& service, Reading& reading);
void read_commands(const YamlValue& value, const std::string& service, Reading& reading);
/// `platform:` of a service.
void read_platform(const YamlValue& value, ServiceConfig& service, const Reading& reading);

/// `notify:` and `heartbeat:`.
void read_notify(const YamlValue& value, Reading& reading);
void read_heartbeat(const YamlValue& value, Config& config);
/// `listen:`, `tokens:`, `metrics:` and `ingest:`.
void read_listeners(YamlMap& top, Config& config);

/// `services:`. The top-level `mode` is the default of each.
void read_services(const YamlValue& value, rules::Mode mode, Reading& reading);
/// RolloutPlan::watch_for, where nobody says how long.
inline constexpr Duration kWatchFor = std::chrono::hours{24};
/// How the rollouts of a service go, once its rules are read; is_judged_by_default says whether the
/// default judgement is the default.
void read_rollout_plan(YamlMap& rollout, rules::ServicePlan& plan);
/// `trains:`.
void read_trains(const YamlValue& value, Reading& reading);
/// `after:` and `guards:` of a service.
void read_neighbours(YamlMap& service, rules::ServicePlan& plan, Reading& reading);
/// Once all services are read: those that are named exist, and none waits for itself.
void check_neighbours(Reading& reading);
/// "this" or "all": what a fail in a train takes back.
std::optional<bool> read_takes_all_back(const YamlValue& value);
/// `rules:` and `rollout:` of a service, read into its plan; the rollout's `preflight` is the
/// service's own.
void read_service_rules(YamlMap& map, ServiceConfig& service, rules::ServicePlan& plan,
                        Reading& reading);
/// Once all services are read: warns of rules of files that are for services which are not there.
void check_rule_services(const YamlValue& place, const Reading& reading);
/// `preflight:` of a rollout: what the world is asked into the service, sentences into its plan.
void read_preflight(const YamlValue& value, ServiceConfig& service, rules::ServicePlan& plan,
                    const Reading& reading);
std::optional<rules::Mode> read_mode(const YamlValue& value);

// What several sections are made of.

/// A program and its arguments; an empty list is a fault. A program with a slash is a path like any
/// other, one without is left to PATH; arguments stay as they are. No fault shows any but the
/// first.
std::vector<std::string> read_argv(const YamlValue& value, const std::string& what,
                                   const Reading& reading);
/// A program with its environment and its time; `argv_key` names the argument list.
CommandAction read_command_action(YamlMap& map, const char* argv_key, const std::string& what,
                                  const Reading& reading);
/// An HTTP call, and the answer that is expected.
ProbeConfig read_request(YamlMap& map, const Reading& reading);
/// A file of authorities; nothing for the system's own (absent or empty).
std::optional<std::string> read_authorities(const YamlValue& value, const Reading& reading);
/// Names and values; no fault shows a value.
std::vector<std::pair<std::string, std::string>> read_pairs(const YamlValue& value);
std::optional<net::RedisUrl> read_redis_url(const YamlValue& value, const YamlValue& ca,
                                            const Reading& reading);
/// "127.0.0.1:8080", "[::1]:0". A fault if it is none.
std::optional<std::string> read_address(const YamlValue& value);
bool is_loopback(const std::string& address);
/// http:// or https:// with a host.
std::optional<std::string> read_url(const YamlValue& value);
/// A name that may stand in a rule: letters, digits, "_", ".", "-".
bool check_name(const YamlEntry& entry, const std::string& what);

}  // namespace belay::monitor
