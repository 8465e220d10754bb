#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "monitor/commands/begin_rollout.h"
#include "monitor/commands/options.h"
#include "monitor/commands/show_rollout.h"
#include "monitor/commands/verbs.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct SteerArguments {
  ApiArguments api;
  std::string id;
  std::string reason;
  OutputFormat output = OutputFormat::text;
};

void show(const json& rollout, OutputFormat output) {
  print(output == OutputFormat::text
            ? text_of_rollout(rollout, Style::of(stdout))
            : exporters::text_of(ordered_json(rollout), output == OutputFormat::json ? 2 : -1) +
                  "\n");
}

/// Asks once and shows the rollout that comes back.
int ask(const SteerArguments& arguments, const ApiClient::Request& request) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  const Result<ApiClient::Answer> answer = client->call(request);
  if (!answer) return refuse(answer.error());
  if (!answer->ok()) {
    complain(answer->problem());
    return answer->status == 503 ? kExitUnavailable : kExitUsage;
  }
  const auto rollouts = answer->json.find("rollouts");
  if (rollouts == answer->json.end() || !rollouts->is_array()) {
    show(answer->json, arguments.output);
  } else if (arguments.output == OutputFormat::json) {
    print(exporters::text_of(ordered_json(answer->json), 2) + "\n");
  } else {
    for (const json& rollout : *rollouts) show(rollout, arguments.output);
    if (arguments.output == OutputFormat::text) {
      if (rollouts->empty()) print("no rollouts\n");
      print(text_of_disarmed(answer->json));
    }
  }
  return kExitPass;
}

int steer(const SteerArguments& arguments, const std::string& command) {
  ordered_json body{{"by", user_name()}};
  if (!arguments.reason.empty()) body["reason"] = arguments.reason;
  return ask(arguments,
             {.method = "POST",
              .path = "/api/v1/rollouts/" + net::percent_encoded(arguments.id) + "/" + command,
              .body = std::move(body),
              .holds = "candidate"});
}

int start(GateArguments& arguments) {
  if (const auto wrong = complete(arguments)) {
    complain(sanitize(*wrong, 1000));
    return kExitUsage;
  }
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  const Begun begun = begin_rollout(*client, arguments);
  if (begun.rollout.is_null()) return begun.code;
  show(begun.rollout, arguments.output);
  // One that could not begin is over at once; so is one that the same key began before.
  const auto ended = begun.rollout.find("exit_code");
  return ended != begun.rollout.end() && ended->is_number_integer() ? ended->get<int>()
                                                                    : begun.code;
}

void add_start(CLI::App& rollout, Chosen& chosen) {
  CLI::App* verb = rollout.add_subcommand("start", "Begin one; the daemon goes on with it alone");
  auto arguments = std::make_shared<GateArguments>();
  arguments->lasts.clear();
  add_rollout_options(*verb, *arguments);
  add_duration_option(*verb, "--for", arguments->lasts, "One step of all traffic, this long");
  add_driving_options(*verb, arguments->is_driving);
  verb->callback([arguments, &chosen] { chosen = [arguments] { return start(*arguments); }; });
}

void add_show(CLI::App& rollout, Chosen& chosen) {
  CLI::App* verb = rollout.add_subcommand("status", "One, or all of the last day");
  auto arguments = std::make_shared<SteerArguments>();
  verb->add_option("id", arguments->id)->type_name("ID");
  add_api_options(*verb, arguments->api);
  add_output_option(*verb, arguments->output);
  verb->callback([arguments, &chosen] {
    chosen = [arguments] {
      const bool is_all = arguments->id.empty();
      const std::string one = is_all ? "" : "/" + net::percent_encoded(arguments->id);
      return delivered(ask(*arguments, {.path = "/api/v1/rollouts" + one,
                                        .holds = is_all ? "rollouts" : "candidate"}));
    };
  });
}

void add_steer(CLI::App& rollout, Chosen& chosen, const std::string& name,
               const std::string& about) {
  CLI::App* verb = rollout.add_subcommand(name, about);
  auto arguments = std::make_shared<SteerArguments>();
  verb->add_option("id", arguments->id)->required()->type_name("ID");
  verb->add_option("--reason", arguments->reason, "For the journal and for people");
  add_api_options(*verb, arguments->api);
  add_output_option(*verb, arguments->output);
  verb->callback([arguments, name, &chosen] {
    chosen = [arguments, name] { return steer(*arguments, name); };
  });
}

}  // namespace

void add_rollout(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("rollout", "Begin, show and steer rollouts of the daemon");
  verb->require_subcommand(1);
  add_start(*verb, chosen);
  add_show(*verb, chosen);
  add_steer(*verb, chosen, "pause", "No step ends until it is resumed; a fail still acts");
  add_steer(*verb, chosen, "resume", "Take back a pause");
  add_steer(*verb, chosen, "promote", "To the next step now; never over a rule that fires");
  add_steer(*verb, chosen, "abort", "End it without an action: what is live stays");
  add_steer(*verb, chosen, "approve", "Answer a hold that waits for a person");
  add_steer(*verb, chosen, "rollback",
            "Fail it and roll back, once; never what is irreversible or disarmed");
}

}  // namespace belay::monitor
