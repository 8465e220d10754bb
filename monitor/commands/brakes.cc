#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "exporters/json_fields.h"
#include "monitor/commands/api_client.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/service_names.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/journal.h"
#include "monitor/system_clock.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

struct BrakeArguments {
  ApiArguments api;
  std::string service;
  std::string rule;
  std::string lasts;
  OutputFormat output = OutputFormat::text;
};

void show(const BrakeArguments& arguments, const ordered_json& json, const std::string& text) {
  print(arguments.output == OutputFormat::text ? sanitize(text, 1000) + "\n"
                                               : exporters::text_of(json) + "\n");
}

bool is_taken_off(const BrakeArguments& arguments) {
  return *parse_duration(arguments.lasts) == Duration::zero();
}

std::string text_of_disarm(const BrakeArguments& arguments, const std::string& service,
                           Instant until) {
  if (is_taken_off(arguments))
    return service.empty() ? "armed again; what is disarmed by its own name stays so"
                           : service + " is armed again, unless all services are disarmed";
  return fmt::format("disarmed until {}: no action on {}", format_utc(until),
                     service.empty() ? "any service" : service);
}

/// Whether it holds anything but what this verb has put into it.
Result<bool> has_told_more_than_brakes(Journal& journal) {
  constexpr std::size_t kNewest = 1'000;
  bool has_more = false;
  const Status read = journal.read(kNewest, [&has_more](const rules::JournalEntry& entry) {
    has_more = has_more || entry.kind != rules::JournalEntry::Kind::disarmed;
  });
  if (!read) return read.error();
  return has_more;
}

/// Puts it where the next start finds it. Under the lock of the state: no daemon runs, and none can
/// start meanwhile.
int write_disarm(const BrakeArguments& arguments) {
  const Result<std::filesystem::path> state = state_of(arguments.api.config);
  if (!state) {
    complain(sanitize(state.error().message, 1000));
    return kExitConfiguration;
  }
  const Result<std::string> service = service_in(arguments.api.config, arguments.service);
  if (!service) {
    complain(sanitize(service.error().message, 1000));
    return kExitUsage;
  }
  Result<std::unique_ptr<Journal>> journal = Journal::open(*state);
  if (!journal) {
    complain(sanitize(journal.error().message, 1000));
    return kExitUnavailable;
  }
  const Result<bool> is_used = has_told_more_than_brakes(**journal);
  const Instant now = SystemClock().now();
  const Instant until = now + *parse_duration(arguments.lasts);
  const ordered_json text{{"until_ms", unix_ms(until)}, {"by", user_name()}};
  const Status written = (*journal)->append({{.kind = rules::JournalEntry::Kind::disarmed,
                                              .at = now,
                                              .service = *service,
                                              .text = exporters::text_of(text)}});
  if (!written) {
    complain(sanitize(written.error().message, 1000));
    return kExitUnavailable;
  }
  if (is_used && !*is_used) {
    complain("no Belay has done anything with this state: " + sanitize(state->string(), 1000) +
             ". If one runs with another, it stays armed: name its configuration with --config");
  }
  show(arguments, {{"service", *service}, {"until_ms", unix_ms(until)}, {"journal", true}},
       text_of_disarm(arguments, *service, until) +
           "; no daemon runs with this state: the next one that does will know");
  return kExitPass;
}

/// Whether the brake may be put on without a daemon: nobody answers where one should be.
bool is_nobody_there(const Error& error) {
  return error.kind == Error::Kind::not_found || error.kind == Error::Kind::unavailable;
}

int tell(const BrakeArguments& arguments, const ApiClient::Answer& answer,
         const std::string& text) {
  if (!answer.ok()) {
    complain(answer.problem());
    return answer.status == 503 ? kExitUnavailable : kExitUsage;
  }
  show(arguments, ordered_json(answer.json),
       text + (answer.status == 202 ? " (taken, and not shown by the engine yet)" : ""));
  return kExitPass;
}

int disarm(const BrakeArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  const bool is_local = arguments.api.url.empty();
  if (!client) {
    return is_local && is_nobody_there(client.error()) ? write_disarm(arguments)
                                                       : refuse(client.error());
  }
  ordered_json body{{"for", arguments.lasts}, {"by", user_name()}};
  if (!arguments.service.empty()) body["service"] = arguments.service;
  const auto answer = client->call(
      {.method = "POST", .path = "/api/v1/disarm", .body = std::move(body), .holds = "until_ms"});
  if (!answer) {
    return is_local && is_nobody_there(answer.error()) ? write_disarm(arguments)
                                                       : refuse(answer.error());
  }
  const Instant until = exporters::instant_in(answer->json, "until_ms").value_or(Instant{});
  return tell(arguments, *answer, text_of_disarm(arguments, arguments.service, until));
}

int silence(const BrakeArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  ordered_json body{{"rule", arguments.rule}, {"for", arguments.lasts}, {"by", user_name()}};
  if (!arguments.service.empty()) body["service"] = arguments.service;
  const auto answer = client->call(
      {.method = "POST", .path = "/api/v1/silences", .body = std::move(body), .holds = "until_ms"});
  if (!answer) return refuse(answer.error());
  const Instant until = exporters::instant_in(answer->json, "until_ms").value_or(Instant{});
  return tell(arguments, *answer,
              is_taken_off(arguments) ? arguments.rule + " is no longer silent"
                                      : fmt::format("silent until {}: no message of {}",
                                                    format_utc(until), arguments.rule));
}

}  // namespace

void add_disarm(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "disarm", "No actions for a time, of one service or of all; survives restarts");
  auto arguments = std::make_shared<BrakeArguments>();
  verb->add_option("service", arguments->service, "Of all services if none is named")
      ->type_name("SERVICE");
  add_duration_option(*verb, "--for", arguments->lasts, "How long; 0s arms again");
  verb->get_option("--for")->required();
  add_api_options(*verb, arguments->api);
  add_output_option(*verb, arguments->output);
  verb->callback([arguments, &chosen] { chosen = [arguments] { return disarm(*arguments); }; });
}

void add_silence(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("silence", "No messages of a rule for a time; it still acts");
  auto arguments = std::make_shared<BrakeArguments>();
  verb->add_option("rule", arguments->rule, "The rule's name")->required()->type_name("RULE");
  verb->add_option("--service", arguments->service, "Of this service only");
  add_duration_option(*verb, "--for", arguments->lasts, "How long; 0s ends a silence");
  verb->get_option("--for")->required();
  add_api_options(*verb, arguments->api);
  add_output_option(*verb, arguments->output);
  verb->callback([arguments, &chosen] { chosen = [arguments] { return silence(*arguments); }; });
}

}  // namespace belay::monitor
