#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "exporters/json_fields.h"
#include "monitor/commands/begin_rollout.h"
#include "monitor/commands/options.h"
#include "monitor/commands/show_rollout.h"
#include "monitor/commands/verbs.h"
#include "monitor/signals.h"
#include "net/deadline.h"
#include "net/digest.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using exporters::array_in;
using exporters::text_in;
using nlohmann::json;
using nlohmann::ordered_json;

struct TrainArguments {
  ApiArguments api;
  std::string name;
  std::vector<std::string> candidates;  ///< "gateway=v2"
  std::vector<std::string> baselines;
  GateArguments each;  ///< What is asked for of each rollout.
  std::string on_fail;
  std::string reason;
  std::string wait;  ///< Empty: not at all.
  OutputFormat output = OutputFormat::text;
};

/// "SERVICE=VERSION".
std::string check_pair(const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool is_fine = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
  return is_fine ? check_utf8(text) : "SERVICE=VERSION should stand here";
}

std::pair<std::string, std::string> pair_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// What it says in any other way than by a number is not known.
int exit_code_of(const json& train) {
  const auto code = train.find("exit_code");
  const bool is_code = code != train.end() && code->is_number_integer();
  return is_code ? code->get<int>() : static_cast<int>(kExitUnknown);
}

void show(const json& train, OutputFormat output) {
  if (output != OutputFormat::text) {
    print(exporters::text_of(ordered_json(train), output == OutputFormat::json ? 2 : -1) + "\n");
    return;
  }
  const Style style = Style::of(stdout);
  std::string text = fmt::format("{} {}", style.bold("train"), sanitize(text_in(train, "train")));
  if (train.contains("result"))
    text += fmt::format(": {} {}", sanitize(text_in(train, "result")),
                        sanitize(text_in(train, "why"), 1000));
  text += "\n";
  for (const json& rollout : array_in(train, "rollouts")) {
    const std::string held = text_in(rollout, "held");
    const std::string cause = cause_of(rollout);
    const std::string why =
        (cause.empty() ? "" : cause + "; since then: ") + text_in(rollout, "why");
    text += fmt::format(
        "  {:<20} {} {}{} {}\n", sanitize(text_in(rollout, "service")),
        sanitize(text_in(rollout, "candidate")), sanitize(text_in(rollout, "state")),
        held.empty() ? "" : " (" + sanitize(held) + ")", style.dim(sanitize(why, 1000)));
    text += fmt::format("  {:<20} {}\n", "", sanitize(text_in(rollout, "id")));
  }
  print(text);
}

/// One answer of the daemon: the train, or the exit code after it was complained about.
std::pair<json, int> ask(const ApiClient& client, const ApiClient::Request& request) {
  // A key, or a change that is the same twice, makes it safe to ask again.
  const Result<ApiClient::Answer> answer = ask_until_shown(client, request);
  if (!answer) return {nullptr, refuse(answer.error())};
  const bool is_pending = answer->status == 202;
  if (answer->ok() && !is_pending) return {answer->json, kExitPass};
  complain(is_pending ? "the daemon has not shown it in 30 s" : answer->problem());
  return {nullptr, answer->status == 503 || is_pending ? kExitUnavailable : kExitUsage};
}

/// Follows the train to its end; its exit code.
int wait_for(const ApiClient& client, const TrainArguments& arguments, json train) {
  const Signals signals;
  const net::Deadline deadline{
      std::chrono::ceil<std::chrono::milliseconds>(*parse_duration(arguments.wait))};
  net::Deadline away{120'000ms};
  Progress progress;
  while (!train.contains("exit_code")) {
    if (deadline.passed()) {
      progress.erase();
      complain("no end within --wait: the daemon goes on with the train; `belay train status " +
               sanitize(arguments.name) + "` shows it, `belay train abort " +
               sanitize(arguments.name) + "` ends it");
      return kExitTimeout;
    }
    if (const auto signal = signals.wait(1'000ms); signal && *signal != SIGHUP) {
      progress.erase();
      complain("interrupted: the daemon goes on with the train; `belay train abort` ends it");
      return kExitInterrupted;
    }
    const Result<ApiClient::Answer> answer = client.call(
        {.path = "/api/v1/trains/" + net::percent_encoded(arguments.name), .holds = "rollouts"});
    if (answer && answer->ok()) {
      train = answer->json;
      away = net::Deadline{120'000ms};
    } else if (away.passed()) {
      complain("the daemon is away; what it has begun it goes on with when it is back");
      return kExitUnavailable;
    }
    std::string line;
    for (const json& rollout : array_in(train, "rollouts"))
      line += text_in(rollout, "service") + " " + text_in(rollout, "state") + "  ";
    if (progress.due()) progress.show(sanitize(line));
  }
  progress.erase();
  show(train, arguments.output);
  return exit_code_of(train);
}

int finish(const ApiClient& client, const TrainArguments& arguments,
           const ApiClient::Request& request) {
  auto [train, code] = ask(client, request);
  if (train.is_null()) return code;
  if (!arguments.wait.empty()) return wait_for(client, arguments, std::move(train));
  show(train, arguments.output);
  return code;
}

ordered_json rollouts_of(const TrainArguments& arguments) {
  ordered_json rollouts = ordered_json::array();
  for (const std::string& text : arguments.candidates) {
    GateArguments one = arguments.each;
    std::tie(one.service, one.candidate) = pair_of(text);
    for (const std::string& baseline : arguments.baselines)
      if (pair_of(baseline).first == one.service) one.baseline = pair_of(baseline).second;
    rollouts.push_back(request_of(one, ""));
  }
  return rollouts;
}

int start(const TrainArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  ordered_json body{
      {"name", arguments.name}, {"rollouts", rollouts_of(arguments)}, {"by", user_name()}};
  if (!arguments.on_fail.empty()) body["on_fail"] = arguments.on_fail;
  const std::string key = arguments.each.key.empty() ? net::random_hex(16) : arguments.each.key;
  return finish(*client, arguments,
                {.method = "POST",
                 .path = "/api/v1/trains",
                 .body = std::move(body),
                 .headers = {{"Idempotency-Key", key}},
                 .holds = "rollouts"});
}

int status(const TrainArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  return finish(
      *client, arguments,
      {.path = "/api/v1/trains/" + net::percent_encoded(arguments.name), .holds = "rollouts"});
}

int abort(const TrainArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  ordered_json body{{"by", user_name()}};
  if (!arguments.reason.empty()) body["reason"] = arguments.reason;
  return finish(*client, arguments,
                {.method = "POST",
                 .path = "/api/v1/trains/" + net::percent_encoded(arguments.name) + "/abort",
                 .body = std::move(body),
                 .holds = "rollouts"});
}

using Act = int (*)(const TrainArguments&);

std::pair<CLI::App*, std::shared_ptr<TrainArguments>> add_verb(CLI::App& train, Chosen& chosen,
                                                               const std::string& name,
                                                               const std::string& about, Act act) {
  CLI::App* verb = train.add_subcommand(name, about);
  auto arguments = std::make_shared<TrainArguments>();
  verb->add_option("name", arguments->name, "Of the train")
      ->required()
      ->check(check_utf8)
      ->type_name("NAME");
  add_api_options(*verb, arguments->api);
  add_output_option(*verb, arguments->output);
  verb->callback(
      [arguments, act, &chosen] { chosen = [arguments, act] { return act(*arguments); }; });
  return {verb, arguments};
}

void add_start(CLI::App& train, Chosen& chosen) {
  const auto [verb, arguments] =
      add_verb(train, chosen, "start", "Begin several rollouts as one train, all or none", &start);
  const CLI::Validator pair(check_pair, "SERVICE=VERSION");
  verb->add_option("--candidate", arguments->candidates, "A service and its new version; repeated")
      ->required()
      ->check(pair);
  verb->add_option("--baseline", arguments->baselines, "What a service goes back to")->check(pair);
  arguments->each.lasts.clear();
  add_duration_option(*verb, "--for", arguments->each.lasts, "One step of all traffic, this long");
  verb->add_option("--steps", arguments->each.steps, "\"10% for 10m, 50% for 10m, 100%\"");
  add_driving_options(*verb, arguments->each.is_driving);
  verb->add_option("--mode", arguments->each.mode, "In place of each service's own")
      ->check(CLI::IsMember({"observe", "recommend", "enforce"}));
  verb->add_option("--commit", arguments->each.commit, "What the candidates were built from")
      ->check(check_utf8);
  verb->add_option("--on-fail", arguments->on_fail, "What a fail takes back, as configured if not")
      ->check(CLI::IsMember({"this", "all"}));
  verb->add_option("--idempotency-key", arguments->each.key,
                   "The same key with the same arguments is the same train")
      ->check(check_key);
  add_duration_option(*verb, "--wait", arguments->wait,
                      "Wait so long for its end; the exit code is the verdict");
}

}  // namespace

void add_train(CLI::App& app, Chosen& chosen) {
  CLI::App* train = app.add_subcommand("train", "Begin, show and end several rollouts together");
  train->require_subcommand(1);
  add_start(*train, chosen);
  const auto [shown, arguments] =
      add_verb(*train, chosen, "status", "Where its rollouts stand", &status);
  add_duration_option(*shown, "--wait", arguments->wait,
                      "Wait so long for its end; the exit code is the verdict");
  const auto [ended, of_abort] =
      add_verb(*train, chosen, "abort", "End what is judged; what is live stays", &abort);
  ended->add_option("--reason", of_abort->reason, "For the journal and for people");
}

}  // namespace belay::monitor
