#include <csignal>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/read_config.h"
#include "monitor/daemon.h"
#include "monitor/log.h"
#include "monitor/signals.h"
#include "monitor/version.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

// Every part stops within a bound of its own; should one not, the kernel ends us and the journal
// resumes what was open.
constexpr unsigned kStopSecondsMax = 10;

struct RunArguments {
  std::string config = "belay.yaml";
  bool verbose = false;
};

/// Notices in the log.
class LoggedNotices : public exporters::Sink {
 public:
  void publish(const rules::Snapshot& /*snapshot*/) override {}
  void notify(const rules::Notice& notice) override {
    spdlog::log(notice.page ? spdlog::level::warn : spdlog::level::info, "{}: {}",
                rules::name_of(notice.kind), notice.headline);
  }
};

void tell_start(const Daemon& daemon) {
  const Config& config = daemon.config();
  const auto counted = [](std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  spdlog::info("belay {} watches {} with {}; state in {}", kVersion,
               counted(config.services.size(), "service"), counted(config.sources.size(), "source"),
               config.state.string());
  if (const auto port = daemon.metrics_port()) {
    const std::string host = config.metrics.substr(0, config.metrics.rfind(':'));
    spdlog::info("/metrics, /healthz and /readyz on http://{}:{}", host, *port);
  }
  if (const auto port = daemon.api_port()) {
    const std::string host = config.api.address.substr(0, config.api.address.rfind(':'));
    spdlog::info("the API is on http://{}:{}", host, *port);
  }
  if (const auto port = daemon.ingest_port()) {
    const std::string host = config.ingest->address.substr(0, config.ingest->address.rfind(':'));
    spdlog::info("events are taken on http://{}:{}", host, *port);
  }
  for (const std::string& trouble : daemon.troubles()) {
    spdlog::critical("acting on nothing: {}", trouble);
  }
}

/// Whatever becomes of it, the daemon goes on.
void reload(Daemon& daemon, const RunArguments& arguments) {
  ReadConfig read = read_config(arguments.config, Interpolation::of_process());
  show_faults(read.faults);
  const Status taken = daemon.reload(std::move(read.config));
  if (taken) {
    spdlog::info("SIGHUP: {} was read anew, and is in use", arguments.config);
  } else {
    spdlog::error("SIGHUP: {} is not taken, nothing has changed: {}", arguments.config,
                  taken.error().message);
  }
}

int run(const RunArguments& arguments) {
  const Signals signals;
  ReadConfig read = read_config(arguments.config, Interpolation::of_process());
  show_faults(read.faults);
  if (!read.config) return kExitConfiguration;
  const Log log{arguments.verbose ? Log::Level::debug : Log::Level::normal};
  LoggedNotices notices;
  auto daemon = Daemon::start(std::move(*read.config), {&notices});
  if (!daemon) {
    spdlog::critical("{}", daemon.error().message);
    return kExitUnavailable;
  }
  tell_start(**daemon);
  for (;;) {
    const auto signal = signals.wait(1h);
    if (!signal) continue;
    if (*signal == SIGHUP) {
      reload(**daemon, arguments);
      continue;
    }
    spdlog::info("{}: stopping", *signal == SIGTERM ? "SIGTERM" : "SIGINT");
    alarm(kStopSecondsMax);
    (*daemon)->stop();
    return *signal == SIGTERM ? kExitPass : kExitInterrupted;
  }
}

}  // namespace

void add_run(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("run", "Watch, judge, tell and act: the daemon");
  auto arguments = std::make_shared<RunArguments>();
  add_config_option(*verb, arguments->config);
  verb->add_flag("-v,--verbose", arguments->verbose, "Log more");
  verb->callback([arguments, &chosen] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace belay::monitor
