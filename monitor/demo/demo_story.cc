#include "monitor/demo/demo_story.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "base/sanitize.h"
#include "monitor/commands/api_client.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/gate_preview.h"
#include "monitor/commands/gate_watch.h"
#include "monitor/commands/notice_output.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/config/read_config.h"
#include "monitor/daemon.h"
#include "monitor/demo/demo_world.h"
#include "monitor/log.h"
#include "monitor/signals.h"
#include "rules/judgement/rollout_words.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr const char* kGood = "v1";
constexpr const char* kBad = "v2";
constexpr const char* kRollout = "00000000-0000-8000-8000-000000000000";
constexpr std::uint64_t kGoodRequestsMin = 400;
constexpr auto kGoodFor = 7s;
constexpr auto kLineEvery = 1s;
// The whole story takes half of this; a machine that needs longer cannot tell it.
constexpr auto kGiveUpAfter = 80s;

class DemoStory {
 public:
  explicit DemoStory(const DemoOptions& options)
      : options_(options), style_(Style::of(stdout)), watch_("shop", kBad, kRollout) {}

  int tell() {
    began_ = std::chrono::steady_clock::now();
    print(style_.bold("belay demo") +
          ": a bad release, found and undone, on this machine alone\n\n");
    auto world = DemoWorld::start();
    if (!world) return failed(world.error().message);
    world_ = std::move(world).value();
    if (const Status written = world_->write_configuration(options_.metrics); !written) {
      return failed(written.error().message);
    }
    say(fmt::format("A shop serves on {}, version {} at 100 %; ten people use it.", world_->url(),
                    style_.green(kGood)));
    if (const int code = attach(); code != kExitPass) return code;
    const int code = play();
    if (code == kExitPass && options_.stay) stay();
    daemon_->stop();
    return code;
  }

 private:
  int attach() {
    ReadConfig read = read_config(world_->configuration().string(), environment());
    show_faults(read.faults);
    if (!read.config) return kExitConfiguration;
    preview_ = preview_of(*read.config, "shop", {.candidate = kBad, .baseline = kGood}, {});
    auto daemon = Daemon::start(std::move(*read.config), {&watch_});
    if (!daemon) return failed(daemon.error().message);
    daemon_ = std::move(daemon).value();
    say("Belay attaches: the tail log, a probe of /healthz, three rules, mode enforce.");
    for (const auto& [name, sentence] : preview_.rules) {
      print(fmt::format("          {:<10} {}\n", name, style_.dim(sentence)));
    }
    return kExitPass;
  }

  /// What a user's environment would hold.
  Interpolation environment() const {
    Interpolation interpolation = Interpolation::of_process();
    interpolation.variable = [slack = world_->url() + "/slack"](const std::string& name) {
      return name == "DEMO_SLACK" ? std::optional{slack} : std::nullopt;
    };
    return interpolation;
  }

  int play() {
    const auto good_until = std::chrono::steady_clock::now() + kGoodFor;
    if (!wait([&] {
          return std::chrono::steady_clock::now() >= good_until &&
                 requests_of(kGood) >= kGoodRequestsMin;
        })) {
      return gave_up();
    }
    say(fmt::format("{} is fine: {}.", kGood, share_of(kGood)));
    say(fmt::format("{} is to go out, in steps that Belay takes itself:", style_.red(kBad)));
    print(
        style_.dim("          belay rollout start --driving --service shop --candidate v2 "
                   "--baseline v1 --commit 4f2a91c\n"));
    daemon_->deliver(rules::RolloutStarted{.at = daemon_->now(),
                                           .service = "shop",
                                           .candidate = kBad,
                                           .baseline = kGood,
                                           .id = kRollout,
                                           .is_driving = true,
                                           .commit = "4f2a91c",
                                           .by = "belay demo"});
    if (!wait([this] { return watch_.result().has_value(); })) return gave_up();
    return conclude(*watch_.result());
  }

  /// Until `done`, telling what happens meanwhile. False if it takes too long, or we are
  /// interrupted.
  template <typename Done>
  bool wait(Done done) {
    for (;;) {
      if (signals_.wait(50ms)) {
        interrupted_ = true;
        return false;
      }
      for (const rules::Notice& notice : watch_.take_notices()) tell_notice(notice);
      if (done()) return true;
      const auto now = std::chrono::steady_clock::now();
      if (now - began_ > kGiveUpAfter) return false;
      if (style_.coloured() && now - line_at_ > kLineEvery) tell_line();
    }
  }

  void tell_line() {
    line_at_ = std::chrono::steady_clock::now();
    const auto status = watch_.status();
    if (!status) return;
    fmt::print(stderr, "\r\033[K{}", style_.dim("          " + sanitize(line_of(*status))));
    std::fflush(stderr);
    line_shown_ = true;
  }

  void tell_notice(const rules::Notice& notice) {
    if (notice.kind == rules::Notice::Kind::rollout_started) return;
    const bool bad = notice.kind == rules::Notice::Kind::fired;
    const bool good = notice.kind == rules::Notice::Kind::recovered ||
                      notice.kind == rules::Notice::Kind::cleared;
    const std::string headline = sanitize(notice.headline);
    say(bad    ? style_.red("✖ ") + headline
        : good ? style_.green("✔ ") + headline
               : style_.blue("➜ ") + headline);
    for (const rules::Evidence& evidence : notice.evidence) {
      const std::string line = line_of(evidence);
      if (notice.headline.find(describe(evidence)) == std::string::npos) {
        print(style_.dim("            " + sanitize(line)) + "\n");
      }
      if (bad) evidence_.push_back(line);
    }
  }

  int conclude(const RolloutResult& result) {
    erase_line();
    const bool good = result.code == kExitRolledBack;
    print("\n");
    print(style_.bold("What it was judged on\n"));
    for (const std::string& line : evidence_) print("  " + sanitize(line) + "\n");
    print(fmt::format("  {}: {}\n  {}: {}\n", kGood, share_of(kGood), kBad, share_of(kBad)));
    tell_blame();
    tell_slack();
    print(style_.bold("\nWhat is live now\n"));
    print(fmt::format("  {}: {}{}\n", sanitize(preview_.service),
                      good ? std::string(kGood) + " has all of the traffic, and it helped: " : "",
                      sanitize(result.why)));
    tell_report();
    print(fmt::format(
        "\n{} in {:.0f} s. A gate would end with {} ({}).\n",
        good ? style_.green("The bad version was found, rolled back, and the shop recovered")
             : style_.red("The story did not end well"),
        seconds_passed(), static_cast<int>(result.code), name_of(result.code)));
    print("Next: README.md, \"Attach it to a Worker in five minutes\".\n");
    return good ? kExitPass : result.code == kExitPass ? kExitFail : result.code;
  }

  /// The version beside it had the same requests at the same time.
  void tell_blame() {
    const auto status = watch_.status();
    if (!status || !status->rollout || !status->rollout->comparison) return;
    print(style_.bold("\nWhose errors they were\n"));
    const rules::RolloutNumbers& numbers = *status->rollout->comparison;
    print("  " + sanitize(words_of_share(numbers, kBad)) + "\n");
    for (const rules::TopFailure& route : numbers.routes) {
      print(fmt::format("  on {}: {} of {}\n", sanitize(route.name), route.bad, route.total));
    }
  }

  /// As its user would ask for it.
  void tell_report() {
    const auto client = ApiClient::find({.config = world_->configuration().string()});
    if (!client) return;
    const auto answer =
        client->call({.path = "/api/v1/rollouts/" + std::string(kRollout) + "/report",
                      .headers = {{"Accept", "text/markdown"}}});
    if (!answer || !answer->ok()) return;
    print(style_.bold("\nThe report, as `belay report` gives it\n"));
    std::istringstream lines{answer->text};
    for (std::string line; std::getline(lines, line);) print("  " + sanitize(line, 2000) + "\n");
  }

  void tell_slack() {
    const std::vector<std::string> messages = world_->slack_messages();
    if (messages.empty()) return;
    print(style_.bold("\nWhat Slack was told\n"));
    for (const std::string& message : messages) {
      std::istringstream lines{message};
      const char* indent = "  · ";
      for (std::string line; std::getline(lines, line); indent = "    ") {
        print(indent + sanitize(line, 300) + "\n");
      }
    }
  }

  void stay() {
    const std::string metrics = daemon_->metrics_port() ? fmt::format("http://127.0.0.1:{}/metrics",
                                                                      *daemon_->metrics_port())
                                                        : "off";
    print(fmt::format("\nIt goes on: the shop on {}, Belay's metrics on {}.\nEnd it with Ctrl-C.\n",
                      world_->url(), metrics));
    while (!signals_.wait(1h)) static_cast<void>(watch_.take_notices());
  }

  [[nodiscard]] std::uint64_t requests_of(const std::string& version) const {
    return totals_of(version).first;
  }

  /// Requests and errors since the start.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> totals_of(
      const std::string& version) const {
    std::pair<std::uint64_t, std::uint64_t> totals;
    const auto status = watch_.status();
    if (!status) return totals;
    for (const rules::SeriesTotals& series : status->series) {
      if (series.version != version) continue;
      totals.first += series.requests;
      totals.second += series.errors;
    }
    return totals;
  }

  [[nodiscard]] std::string share_of(const std::string& version) const {
    const auto [requests, errors] = totals_of(version);
    const double percent =
        requests == 0 ? 0 : 100.0 * static_cast<double>(errors) / static_cast<double>(requests);
    return fmt::format("{} requests, {} errors ({:.1f} %)", requests, errors, percent);
  }

  int gave_up() {
    erase_line();
    if (interrupted_) return kExitInterrupted;
    const auto status = watch_.status();
    complain("the story took too long on this machine: " +
             sanitize(status ? line_of(*status) : std::string{"nothing was seen"}, 2000));
    return kExitUnknown;
  }

  /// By this machine, which says nothing about any version.
  int failed(const std::string& why) {
    erase_line();
    complain(sanitize(why, 2000));
    return kExitUnavailable;
  }

  void say(const std::string& line) {
    erase_line();
    print(
        fmt::format("{} {}\n", style_.dim(fmt::format("{:6.1f} s", seconds_passed())), " " + line));
  }

  void erase_line() {
    if (!line_shown_) return;
    fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    line_shown_ = false;
  }

  [[nodiscard]] double seconds_passed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

  const DemoOptions& options_;
  const Signals signals_;
  const Log log_{Log::Level::errors};
  const Style style_;
  GateWatch watch_;
  GatePreview preview_;
  std::unique_ptr<DemoWorld> world_;
  std::unique_ptr<Daemon> daemon_;
  std::vector<std::string> evidence_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point line_at_;
  bool line_shown_ = false;
  bool interrupted_ = false;
};

}  // namespace

int tell_demo(const DemoOptions& options) { return DemoStory{options}.tell(); }

}  // namespace belay::monitor
