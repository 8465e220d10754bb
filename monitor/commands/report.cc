#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "exporters/json.h"
#include "monitor/commands/api_client.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

struct ReportArguments {
  ApiArguments api;
  std::string id;
  std::string output = "markdown";
};

int report(const ReportArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  const bool is_markdown = arguments.output == "markdown";
  ApiClient::Request request{
      .path = "/api/v1/rollouts/" + net::percent_encoded(arguments.id) + "/report",
      .holds = "timeline"};
  request.headers.push_back({"Accept", is_markdown ? "text/markdown" : "application/json"});
  const Result<ApiClient::Answer> answer =
      client ? client->call(request) : Result<ApiClient::Answer>(client.error());
  if (!answer) return refuse(answer.error());
  if (!answer->ok()) {
    complain(answer->problem());
    return answer->status == 503 ? kExitUnavailable : kExitUsage;
  }
  print(is_markdown
            ? answer->text
            : exporters::text_of(nlohmann::ordered_json::parse(answer->text, nullptr, false), 2) +
                  "\n");
  return kExitPass;
}

}  // namespace

void add_report(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "report", "All about one rollout: verdict, evidence, what was done, and whether it helped");
  auto arguments = std::make_shared<ReportArguments>();
  verb->add_option("rollout", arguments->id, "Its id; `belay history` lists them")
      ->required()
      ->type_name("ROLLOUT");
  verb->add_option("-o,--output", arguments->output, "How it is printed")
      ->check(CLI::IsMember({"markdown", "json"}))
      ->capture_default_str();
  add_api_options(*verb, arguments->api);
  verb->callback(
      [arguments, &chosen] { chosen = [arguments] { return delivered(report(*arguments)); }; });
}

}  // namespace belay::monitor
