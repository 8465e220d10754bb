#include "monitor/doctor/doctor.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "monitor/commands/api_client.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/read_config.h"
#include "monitor/doctor/daemon_view.h"
#include "monitor/system_clock.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;
using Level = Finding::Level;

struct DoctorArguments {
  ApiArguments api;
  std::string lasts = "30s";
  bool send_test = false;
  OutputFormat output = OutputFormat::text;
};

/// What has to be mended is a matter of configuration, what could not be found out is unknown.
ExitCode code_of(const Findings& findings) {
  switch (worst_of(findings)) {
    case Level::bad:
      return kExitConfiguration;
    case Level::unknown:
      return kExitUnknown;
    default:
      return kExitPass;
  }
}

std::string sign_of(Level level, const Style& style) {
  switch (level) {
    case Level::fine:
      return style.green("✔");
    case Level::note:
      return style.dim("·");
    case Level::weak:
      return style.yellow("!");
    case Level::unknown:
      return style.yellow("?");
    case Level::bad:
      return style.red("✖");
  }
  return "?";
}

std::string text_of(const Finding& finding, const Style& style) {
  const std::string whose = finding.service.empty() ? "" : sanitize(finding.service) + " ";
  return fmt::format("{} {}{}: {}\n", sign_of(finding.level, style), whose, sanitize(finding.about),
                     sanitize(finding.what, 500));
}

ordered_json json_of(const Finding& finding) {
  return {{"level", name_of(finding.level)},
          {"service", finding.service},
          {"about", finding.about},
          {"what", finding.what}};
}

std::string summary_of(const Findings& findings) {
  std::string text;
  for (const Level level : {Level::bad, Level::unknown, Level::weak, Level::fine}) {
    const auto count = std::ranges::count(findings, level, &Finding::level);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name_of(level));
  }
  return text + "\n";
}

void show(const Findings& findings, OutputFormat output, int code) {
  if (output == OutputFormat::jsonl) {
    for (const Finding& finding : findings) print(exporters::text_of(json_of(finding)) + "\n");
    return;
  }
  if (output == OutputFormat::json) {
    ordered_json all{{"ok", code == kExitPass}, {"exit_code", code}};
    all["findings"] = ordered_json::array();
    for (const Finding& finding : findings) all["findings"].push_back(json_of(finding));
    print(exporters::text_of(all, 2) + "\n");
    return;
  }
  const Style style = Style::of(stdout);
  for (const Finding& finding : findings) print(text_of(finding, style));
  print(summary_of(findings));
}

/// What the daemon that `client` reaches has seen of the services of the configuration.
Result<Observation> seen_by(const ApiClient& client, const Config& config) {
  const Result<ApiClient::Answer> sources =
      client.call({.path = "/api/v1/sources", .holds = "sources"});
  if (!sources) return sources.error();
  if (!sources->ok()) return Error{Error::Kind::failed, sources->problem()};
  std::vector<nlohmann::json> services;
  for (const ServiceConfig& service : config.services) {
    Result<ApiClient::Answer> one = client.call(
        {.path = "/api/v1/services/" + net::percent_encoded(service.name), .holds = "service"});
    if (!one) return one.error();
    if (one->ok()) services.push_back(std::move(one->json));
    if (!one->ok() && one->status != 404) return Error{Error::Kind::failed, one->problem()};
  }
  return observation_of(sources->json, services);
}

/// Fills in what a running daemon knows. One that was named and cannot be asked is a finding; where
/// none runs there is nothing to say.
Findings ask_daemon(const ApiArguments& arguments, const Config& config, DoctorOptions& options) {
  const auto unknown = [](const Error& error) {
    return Findings{{Level::unknown, "", "daemon",
                     sanitize(error.message, 500) + "; what follows was watched from here"}};
  };
  const Result<ApiClient> client = ApiClient::find(arguments);
  const bool is_named = !arguments.url.empty();
  if (!client) return is_named ? unknown(client.error()) : Findings{};
  Result<Observation> seen = seen_by(*client, config);
  if (!seen) {
    // The address of a daemon that was killed may lie there yet.
    const bool is_gone = seen.error().kind == Error::Kind::unavailable;
    return is_named || !is_gone ? unknown(seen.error()) : Findings{};
  }
  options.seen_by_daemon = *std::move(seen);
  options.daemon = client->url();
  return {};
}

int doctor(const DoctorArguments& arguments) {
  ReadConfig read = read_config(arguments.api.config, Interpolation::of_process());
  if (!read.config) {
    show_faults(read.faults);
    return kExitConfiguration;
  }
  spdlog::set_level(spdlog::level::off);  // What a source would log is a finding here.
  DoctorOptions options{.lasts = *parse_duration(arguments.lasts),
                        .send_test = arguments.send_test};
  Findings findings = ask_daemon(arguments.api, *read.config, options);
  if (arguments.output == OutputFormat::text && !options.seen_by_daemon) {
    complain("watching for " + arguments.lasts + "; nothing is changed");
  }
  std::ranges::move(examine(*read.config, SystemClock{}, options), std::back_inserter(findings));
  const int code = code_of(findings);
  show(findings, arguments.output, code);
  return code;
}

}  // namespace

void add_doctor(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "doctor", "Check live what a rollout will need, and forecast its evidence; changes nothing");
  auto arguments = std::make_shared<DoctorArguments>();
  add_api_options(*verb, arguments->api);
  add_duration_option(*verb, "--for", arguments->lasts,
                      "How long the sources are watched, where no daemon does");
  verb->add_flag("--send-test", arguments->send_test, "Send a message to everyone who is told");
  add_output_option(*verb, arguments->output);
  verb->callback(
      [arguments, &chosen] { chosen = [arguments] { return delivered(doctor(*arguments)); }; });
}

}  // namespace belay::monitor
