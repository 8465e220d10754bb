#pragma once

#include <optional>
#include <string>
#include <vector>

#include "monitor/commands/api_client.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/terminal.h"
#include "rules/event.h"

namespace CLI {
class App;
}

namespace belay::monitor {

/// What `belay gate` and `belay rollout start` are asked for.
struct GateArguments {
  ApiArguments api;
  std::string service;
  std::string candidate;
  std::string baseline;
  std::string lasts = "10m";
  std::string
      timeout;        ///< How long to wait for the daemon's verdict; empty: as long as it may take.
  std::string steps;  ///< In place of `lasts`.
  std::string mode;   ///< Empty: the service's own.
  std::string fail_on = "fail,unknown";
  bool rolls_back_on_interrupt = false;  ///< `--on-interrupt rollback`
  std::string commit;
  std::string committed_at;
  std::string from_wrangler;
  std::string worker;  ///< That wrangler's file is about; empty: it does not say.
  std::string key;
  std::string train;
  std::optional<bool> is_driving;  ///< Nothing: as the service is configured.
  bool is_irreversible = false;
  bool standalone = false;
  OutputFormat output = OutputFormat::text;
};

/// The options that say what is rolled out; `--for` and the rest are the verbs' own.
void add_rollout_options(CLI::App& verb, GateArguments& arguments);
/// `--driving` and `--following`; `is_driving` outlives the verb and stays empty without either.
void add_driving_options(CLI::App& verb, std::optional<bool>& is_driving);

/// For an option that is an idempotency key, as the API takes it: "" or why it cannot be. An empty
/// one, of a variable that is not set, would be another one with each try.
std::string check_key(const std::string& text);

/// Fills service and candidate from wrangler's file. What is missing or contradicts itself: a line
/// for people.
std::optional<std::string> complete(GateArguments& arguments);

/// What to say where wrangler's file is about another service than the one that was named: nobody
/// knows which of the two was meant.
std::string contradiction(const GateArguments& arguments, const std::string& other);

/// The steps that are asked for; none: one step of all traffic.
std::vector<rules::RolloutStep> steps_of(const GateArguments& arguments);
/// How long that takes at least.
Duration lasts_of(const GateArguments& arguments);

/// The exit code as `--fail-on` wants it: a verdict that is not to fail is 0.
ExitCode exit_code_of(ExitCode code, const std::string& fail_on);

}  // namespace belay::monitor
