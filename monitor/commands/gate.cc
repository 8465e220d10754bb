#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/gate_arguments.h"
#include "monitor/commands/gate_preview.h"
#include "monitor/commands/gate_remote.h"
#include "monitor/commands/gate_target.h"
#include "monitor/commands/gate_watch.h"
#include "monitor/commands/notice_output.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/read_config.h"
#include "monitor/daemon.h"
#include "monitor/log.h"
#include "monitor/mode_named.h"
#include "monitor/signals.h"
#include "net/digest.h"
#include "rules/rollout/made_id.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

constexpr unsigned kStopSecondsMax = 10;

/// One gate of this process alone, from what it would do to its exit code.
class GateVerb {
 public:
  explicit GateVerb(const GateArguments& arguments)
      : arguments_(arguments),
        style_(Style::of(stdout)),
        id_(rules::made_id({"gate", net::random_hex(16)}, {})),
        watch_(arguments.service, arguments.candidate, id_) {}

  int run(Config config) {
    const Log log{Log::Level::normal};
    // The daemon beside us has the default addresses.
    if (config.metrics_is_default) config.metrics.clear();
    if (config.api.is_default) config.api.address.clear();
    const Duration lasts = lasts_of(arguments_);
    const GateTarget target = target_of(config);
    if (!target.refusal.empty()) {
      complain(sanitize(target.refusal, 2000));
      return kExitUsage;
    }
    if (!target.trouble.empty()) {
      complain(sanitize("cannot see what is live: " + target.trouble, 2000));
    }
    GatePreview preview =
        preview_of(config, arguments_.service, target, lasts, mode_named(arguments_.mode));
    preview.rollout = id_;
    auto daemon = Daemon::start(std::move(config), {&watch_}, Daemon::Purpose::one_gate);
    if (!daemon) {
      complain(sanitize(daemon.error().message, 2000));
      return kExitUnavailable;
    }
    for (const std::string& trouble : (*daemon)->troubles()) {
      complain(sanitize("acting on nothing: " + trouble, 2000));
    }
    start_ = (*daemon)->now();
    show_preview(preview);
    (*daemon)->deliver(rules::RolloutStarted{.at = start_,
                                             .service = arguments_.service,
                                             .candidate = target.candidate,
                                             .baseline = target.baseline,
                                             .lasts = lasts,
                                             .id = id_,
                                             .steps = steps_of(arguments_),
                                             .is_irreversible = arguments_.is_irreversible,
                                             .train = arguments_.train,
                                             .commit = arguments_.commit,
                                             .committed_at = parse_rfc3339(arguments_.committed_at),
                                             .mode = mode_named(arguments_.mode)});
    const int code = wait(**daemon, lasts);
    alarm(kStopSecondsMax);
    (*daemon)->stop();
    return code;
  }

 private:
  GateTarget target_of(const Config& config) const {
    Platforms platforms;
    add_platforms(config, platforms);
    return gate_target(platforms.of_service(arguments_.service), arguments_.candidate,
                       arguments_.baseline);
  }

  int wait(Daemon& daemon, Duration lasts) {
    for (;;) {
      const auto signal = signals_.wait(100ms);
      show_notices();
      if (const auto result = watch_.result()) return end(*result);
      if (signal && *signal != SIGHUP) {
        if (!arguments_.rolls_back_on_interrupt) {
          return end({kExitInterrupted, interruption_of(watch_.status())});
        }
        if (is_interrupted_) {
          return end({kExitInterrupted,
                      "interrupted twice: what is not done yet, the next start goes on with"});
        }
        roll_back(daemon);
      }
      if (const auto refused = is_interrupted_ ? why_refused() : std::nullopt) {
        return end({kExitInterrupted, "interrupted, and not rolled back: " + *refused});
      }
      if (progress_.due()) show_progress(daemon, lasts);
    }
  }

  void roll_back(Daemon& daemon) {
    is_interrupted_ = true;
    complain("interrupted: rolling back; a second signal ends this at once");
    daemon.deliver(rules::OperatorCommand{.kind = rules::OperatorCommand::Kind::rollback,
                                          .at = daemon.now(),
                                          .rollout = id_,
                                          .by = user_name(),
                                          .reason = kInterruptedReason});
  }

  /// What the engine has said instead of rolling back; nothing if it has not.
  [[nodiscard]] std::optional<std::string> why_refused() const {
    const auto status = watch_.status();
    if (!status || !status->rollout || status->rollout->id != id_) return std::nullopt;
    const std::string refused =
        fmt::format("did not {}: ", name_of(rules::OperatorCommand::Kind::rollback));
    for (const rules::RolloutStatus::Moment& moment : status->rollout->timeline) {
      if (moment.what.starts_with(refused)) return moment.what.substr(refused.size());
    }
    return std::nullopt;
  }

  void show_preview(const GatePreview& preview) {
    if (arguments_.output == OutputFormat::text) {
      print(text_of(preview, style_));
    } else if (arguments_.output == OutputFormat::jsonl) {
      print(exporters::text_of(json_of(preview)) + "\n");
    } else {
      document_["gate"] = json_of(preview);
    }
  }

  void show_notices() {
    for (const rules::Notice& notice : watch_.take_notices()) {
      progress_.erase();
      if (arguments_.output == OutputFormat::text) {
        print(text_of(notice, style_));
      } else if (arguments_.output == OutputFormat::jsonl) {
        print(exporters::text_of(json_of(notice, start_)) + "\n");
      } else {
        document_["notices"].push_back(json_of(notice, start_));
      }
    }
  }

  void show_progress(const Daemon& daemon, Duration lasts) {
    const auto status = watch_.status();
    if (!status) return;
    if (status->rollout && !is_judged(status->rollout->state) && !status->actions.empty()) {
      progress_.show(sanitize(progress_of(status->actions.back())));
      return;
    }
    const auto passed = std::chrono::floor<std::chrono::seconds>(daemon.now() - start_);
    progress_.show(fmt::format("{} of {}: {}", format_duration(passed), format_duration(lasts),
                               sanitize(line_of(*status))));
  }

  int end(const RolloutResult& result) {
    show_notices();
    progress_.erase();
    ordered_json json{{"verdict", name_of(result.code)},
                      {"exit_code", static_cast<int>(result.code)},
                      {"why", result.why}};
    if (const auto status = watch_.status()) {
      json["rules"] = ordered_json::array();
      for (const rules::RuleStatus& rule : status->rules) {
        json["rules"].push_back(exporters::json_of(rule));
      }
    }
    if (arguments_.output == OutputFormat::text) {
      print(text_of(result, style_));
    } else if (arguments_.output == OutputFormat::jsonl) {
      print(exporters::text_of(json) + "\n");
    } else {
      document_.update(json);
      print(exporters::text_of(document_, 2) + "\n");
    }
    // Who was interrupted has not passed, whatever is not to fail.
    return is_interrupted_ ? result.code : exit_code_of(result.code, arguments_.fail_on);
  }

  const GateArguments& arguments_;
  const Signals signals_;
  const Style style_;
  const std::string id_;
  GateWatch watch_;
  Progress progress_;
  ordered_json document_;
  Instant start_{};
  bool is_interrupted_ = false;  // And asked to roll back.
};

/// The service by its own name, where it was named as its platform does; nothing, and it is told,
/// where no service is called so.
std::optional<std::string> service_named(const Config& config, const std::string& name) {
  std::vector<std::string> names;
  for (const rules::ServicePlan& plan : config.plan.services) {
    const bool is_alias = std::ranges::find(plan.aliases, name) != plan.aliases.end();
    if (plan.name == name || is_alias) return plan.name;
    names.push_back(plan.name);
  }
  complain(sanitize(fmt::format("{} has no service {}; it has {}", config.file.string(), name,
                                fmt::join(names, ", "))));
  return std::nullopt;
}

/// Why this configuration cannot do what is asked of it; nothing if it can.
std::optional<std::string> why_not(const Config& config, const GateArguments& arguments) {
  if (arguments.mode == rules::name_of(rules::Mode::enforce) && config.page.empty()) {
    return "--mode enforce: nobody would be paged when an action fails; add `notify: page`";
  }
  const std::string& worker = arguments.worker;
  if (worker.empty() || worker == arguments.service) return std::nullopt;
  const auto meant = std::ranges::find_if(config.plan.services, [&](const auto& plan) {
    return plan.name == worker || std::ranges::find(plan.aliases, worker) != plan.aliases.end();
  });
  const bool is_known = meant != config.plan.services.end();
  const auto service = std::ranges::find(config.services, arguments.service, &ServiceConfig::name);
  const bool is_worker = service != config.services.end() &&
                         std::holds_alternative<CloudflareScript>(service->platform);
  const bool is_other = is_known ? meant->name != arguments.service : is_worker;
  return is_other ? std::optional(contradiction(arguments, is_known ? meant->name : ""))
                  : std::nullopt;
}

int gate_alone(GateArguments& arguments) {
  ReadConfig read = read_config(arguments.api.config, Interpolation::of_process());
  show_faults(read.faults);
  if (!read.config) return kExitConfiguration;
  const auto service = service_named(*read.config, arguments.service);
  if (!service) return kExitUsage;
  arguments.service = *service;
  if (const auto wrong = why_not(*read.config, arguments)) {
    complain(sanitize(*wrong, 1000));
    return kExitUsage;
  }
  return GateVerb{arguments}.run(std::move(*read.config));
}

int gate(GateArguments& arguments) {
  if (const auto wrong = complete(arguments)) {
    complain(sanitize(*wrong, 1000));
    return kExitUsage;
  }
  if (!arguments.standalone) return gate_remotely(arguments);
  if (!arguments.api.url.empty()) {
    complain(
        "BELAY_URL or --url names a daemon, which alone judges and acts: leave it out for "
        "--standalone");
    return kExitUsage;
  }
  return gate_alone(arguments);
}

}  // namespace

void add_gate(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "gate",
      "Attach to a rollout, wait for the verdict, act on a fail; the exit code is the verdict");
  auto arguments = std::make_shared<GateArguments>();
  arguments->is_driving = false;  // It judges what somebody else moves.
  add_rollout_options(*verb, *arguments);
  add_duration_option(*verb, "--for", arguments->lasts, "How long to watch");
  verb->add_option("--fail-on", arguments->fail_on,
                   "Which verdicts end with a code other than 0: fail, unknown, or both")
      ->capture_default_str();
  add_duration_option(*verb, "--timeout", arguments->timeout,
                      "How long to wait for the daemon's verdict; else three times --for, and 30m");
  verb->add_option_function<std::string>(
          "--on-interrupt",
          [arguments](const std::string& what) {
            arguments->rolls_back_on_interrupt = what == "rollback";
          },
          "After Ctrl-C or SIGTERM: leave what is deployed as it is, or fail the rollout and roll "
          "back; a second signal ends the gate at once")
      ->check(CLI::IsMember({"leave", "rollback"}))
      ->default_str("leave");
  verb->add_flag("--standalone", arguments->standalone,
                 "Judge and act in this process, under the lock of its state");
  verb->callback([arguments, &chosen] { chosen = [arguments] { return gate(*arguments); }; });
}

}  // namespace belay::monitor
