#include "monitor/commands/command_line.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/sanitize.h"
#include "base/suggest.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/version.h"

namespace belay::monitor {
namespace {

constexpr const char* kAbout =
    "Belay watches a new version, judges it, and puts the last good one back.\n"
    "`belay demo` shows the whole story on this machine alone.";

constexpr const char* kFooter =
    "Exit codes: 0 pass, 10 fail, 11 fail and put back, 12 unknown, 13 waits for approval,\n"
    "14 rollback failed or not recovered, 15 superseded or aborted, 2 usage, 69 daemon "
    "unreachable\n"
    "or state in use, 78 configuration, 124 timeout, 130 interrupted.";

int usage_error(const CLI::App& app, int argc, char** argv, const CLI::ParseError& error) {
  std::string message = error.what();
  std::vector<std::string_view> verbs;
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* verb : subcommands) {
    if (!verb->get_group().empty()) verbs.emplace_back(verb->get_name());
  }
  if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-') {
    message = fmt::format("there is no verb `{}`", argv[1]);
    if (const auto meant = nearest(argv[1], verbs))
      message += fmt::format("; did you mean `{}`?", *meant);
  }
  complain(sanitize(message));
  const auto parsed = app.get_subcommands();
  const std::string verb = parsed.empty() ? "" : " " + parsed.front()->get_name();
  fmt::print(stderr, "Run `belay{} --help` for what there is.\n", verb);
  return kExitUsage;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  // A reader that goes away (`belay replay … | head`) is an error of that write, not our end.
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT: set before there are threads
  // So is a limit on the size of files: the journal cannot be written, and says so.
  std::signal(SIGXFSZ, SIG_IGN);  // NOLINT: set before there are threads
  CLI::App app{kAbout, "belay"};
  app.footer(kFooter);
  app.set_version_flag("--version", std::string{"belay "} + kVersion);
  app.require_subcommand(1);
  Chosen chosen;
  add_demo(app, chosen);
  add_run(app, chosen);
  add_gate(app, chosen);
  add_doctor(app, chosen);
  add_rollout(app, chosen);
  add_train(app, chosen);
  add_report(app, chosen);
  add_history(app, chosen);
  add_disarm(app, chosen);
  add_silence(app, chosen);
  add_replay(app, chosen);
  add_check(app, chosen);
  add_test(app, chosen);
  add_explain(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, argc, argv, error);
  }
  return chosen();
}

}  // namespace belay::monitor
