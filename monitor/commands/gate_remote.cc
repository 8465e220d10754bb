#include "monitor/commands/gate_remote.h"

#include <chrono>
#include <csignal>
#include <future>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "exporters/json_fields.h"
#include "monitor/commands/begin_rollout.h"
#include "monitor/commands/gate_watch.h"
#include "monitor/commands/options.h"
#include "monitor/commands/show_rollout.h"
#include "monitor/signals.h"
#include "net/deadline.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using exporters::array_in;
using exporters::text_in;
using nlohmann::json;
using nlohmann::ordered_json;

/// How long a daemon may be away (a restart, a network) before the gate gives up on it.
constexpr std::chrono::milliseconds kAwayMax{120'000};
constexpr auto kWait = 25s;
constexpr auto kAgainAfter = 1s;
/// Who interrupts a job kills it soon after.
constexpr std::chrono::milliseconds kRollbackAnswer{4'000};
constexpr int kRollbackAttempts = 3;

/// A step may take three times its bake time, and an action is verified for a while.
std::chrono::milliseconds patience_of(const GateArguments& arguments) {
  const Duration patience = arguments.timeout.empty() ? 3 * lasts_of(arguments) + 30min
                                                      : *parse_duration(arguments.timeout);
  return std::chrono::ceil<std::chrono::milliseconds>(patience);
}

/// Follows one rollout of the daemon to its end.
class RemoteGate {
 public:
  RemoteGate(const ApiClient& client, const GateArguments& arguments)
      : client_(client), arguments_(arguments), style_(Style::of(stdout)) {}

  int run() {
    Begun begun = begin_rollout(client_, arguments_);
    if (begun.rollout.is_null()) return begun.code;
    rollout_ = std::move(begun.rollout);
    etag_ = std::move(begun.etag);
    show_begin();
    net::Deadline away{kAwayMax};
    for (;;) {
      show_moments();
      if (const auto code = exit_code()) return end(*code);
      switch (poll()) {
        case Polled::answered:
          away = net::Deadline{kAwayMax};
          break;
        case Polled::away:
          if (away.passed()) {
            complain(
                (refusal_.empty() ? "the daemon is away" : "the daemon refuses us: " + refusal_) +
                "; what it has begun it goes on with");
            return kExitUnavailable;
          }
          break;
        case Polled::gone:
          return kExitUnknown;
        case Polled::interrupted:
          if (is_rolling_back_ || !arguments_.rolls_back_on_interrupt) return interrupted();
          if (!roll_back()) return kExitInterrupted;
          is_rolling_back_ = true;
      }
    }
  }

 private:
  enum class Polled { answered, away, gone, interrupted };
  using Moments = std::set<std::pair<Instant, std::string>>;

  /// A long poll on a thread of its own, so that a signal ends it at once.
  Polled poll() {
    std::stop_source stop;
    auto polling = std::async(std::launch::async, [this, token = stop.get_token()] {
      return client_.call({.path = path() + "?wait=25s",
                           .headers = {{"If-None-Match", etag_}},
                           .deadline = kWait + 10s,
                           .holds = "candidate"},
                          token);
    });
    while (polling.wait_for(0ms) != std::future_status::ready) {
      const auto signal = signals_.wait(100ms);
      if (signal && *signal != SIGHUP) {
        stop.request_stop();
        return Polled::interrupted;
      }
      if (deadline_.passed()) stop.request_stop();
      if (progress_.due()) progress_.show(line());
    }
    const Result<ApiClient::Answer> answer = polling.get();
    // A daemon that was restarted is back before it has left its new token.
    const bool is_refused = answer && answer->status == 401;
    refusal_ = is_refused ? answer->problem() : "";
    if (!answer || answer->status == 503 || is_refused) {
      const auto signal = signals_.wait(kAgainAfter);
      return signal && *signal != SIGHUP ? Polled::interrupted : Polled::away;
    }
    if (answer->status >= 400) {
      complain(answer->problem());
      return Polled::gone;
    }
    if (answer->status == 200) {
      rollout_ = answer->json;
      etag_ = answer->etag;
    }
    return Polled::answered;
  }

  [[nodiscard]] std::string path() const {
    return "/api/v1/rollouts/" + net::percent_encoded(text_in(rollout_, "id"));
  }

  [[nodiscard]] std::optional<ExitCode> exit_code() const {
    const auto code = rollout_.find("exit_code");
    if (code != rollout_.end() && code->is_number_integer()) {
      return static_cast<ExitCode>(code->get<int>());
    }
    if (!deadline_.passed()) return std::nullopt;
    const std::string held = text_in(rollout_, "held");
    const bool waits = held == "approval" || held == "irreversible" || held == "paused";
    return waits ? kExitWaitsForApproval : kExitTimeout;
  }

  std::string line() const {
    const std::string held = text_in(rollout_, "held");
    return sanitize(fmt::format("{}{}: {}", text_in(rollout_, "state"),
                                held.empty() ? "" : " (" + held + ")", text_in(rollout_, "why")));
  }

  void show_begin() {
    if (arguments_.output == OutputFormat::text) {
      json begun = rollout_;
      begun.erase("timeline");  // Its moments follow.
      print(text_of_rollout(begun, style_) +
            fmt::format("  {:<10} {}\n", "daemon", sanitize(client_.url())));
    } else if (arguments_.output == OutputFormat::jsonl) {
      print(exporters::text_of(ordered_json{{"rollout", rollout_}}) + "\n");
    }
  }

  /// What has happened since it was shown last.
  void show_moments() {
    // The timeline is bounded: what was shown is told by its time and its words, not its place.
    // Several may have one time.
    Moments shown;
    for (const json& moment : array_in(rollout_, "timeline")) {
      const auto key = std::pair(exporters::instant_in(moment, "at_ms").value_or(Instant{}),
                                 text_in(moment, "what"));
      if (!shown.insert(key).second || shown_.contains(key)) continue;
      progress_.erase();
      if (arguments_.output == OutputFormat::jsonl) {
        print(moment.dump() + "\n");
      } else if (arguments_.output == OutputFormat::text) {
        print(fmt::format("{} {:<13} {}\n", style_.dim(format_utc(key.first)),
                          sanitize(text_in(moment, "state")), sanitize(key.second)));
      }
    }
    shown_ = std::move(shown);
  }

  int interrupted() {
    progress_.erase();
    complain(is_rolling_back_
                 ? "interrupted twice: the daemon goes on with the rollback"
                 : "interrupted: the daemon goes on with the rollout; `belay rollout abort " +
                       sanitize(text_in(rollout_, "id")) + "` ends it");
    return kExitInterrupted;
  }

  /// False: it may not be, and why was told. Asked for again it is the same rollback, so a lost
  /// answer is no reason to stop asking.
  bool roll_back() {
    progress_.erase();
    complain("interrupted: rolling back; a second signal leaves that to the daemon");
    const ApiClient::Request request{.method = "POST",
                                     .path = path() + "/rollback",
                                     .body = {{"reason", kInterruptedReason}, {"by", user_name()}},
                                     .deadline = kRollbackAnswer,
                                     .holds = "candidate"};
    for (int attempt = 0; attempt < kRollbackAttempts; ++attempt) {
      if (attempt > 0)
        if (const auto signal = signals_.wait(kAgainAfter); signal && *signal != SIGHUP) break;
      const Result<ApiClient::Answer> answer = client_.call(request);
      if (!answer) {
        complain(sanitize(answer.error().message, 1000));
        continue;
      }
      const bool is_over = text_in(answer->json, "type").ends_with(":rollout-ended");
      if (answer->ok() || is_over) {
        etag_.clear();
        return true;
      }
      complain("not rolled back: " + answer->problem());
      if (answer->status != 503 && answer->status != 401) return false;
    }
    complain("nobody knows whether it is rolled back: `belay rollout status` tells");
    return false;
  }

  /// Why a fail was left as it is: after a restart only the report knows what was told in place of
  /// an action.
  [[nodiscard]] std::string why_not_acted() const {
    if (std::string why = why_nothing_was_done(rollout_); !why.empty()) return why;
    const Result<ApiClient::Answer> report = client_.call({.path = path() + "/report"});
    std::string why = "`belay report " + text_in(rollout_, "id") + "` says why";
    if (!report || !report->ok() || !report->json.is_object()) return why;
    const std::string told = text_in(rollout_, "service") + ": ";
    for (const json& moment : array_in(report->json, "timeline")) {
      const std::string what = text_in(moment, "what");
      if (what.starts_with(told + "did not ") || what.starts_with(told + "it fails, and "))
        why = what.substr(told.size());
    }
    return why;
  }

  /// Only this gate has ended.
  [[nodiscard]] std::string ways_on(ExitCode code) const {
    const std::string id = sanitize(text_in(rollout_, "id"));
    const char* waits = code == kExitTimeout ? "goes on with" : "keeps";
    return fmt::format(
        "no verdict within --timeout: the daemon {} the rollout; `belay rollout status {}` shows "
        "it{}, `belay rollout abort {}` ends it",
        waits, id, code == kExitTimeout ? "" : " and what it waits for", id);
  }

  int end(ExitCode code) {
    progress_.erase();
    if (arguments_.output == OutputFormat::text) {
      const std::string cause = cause_of(rollout_);
      print(text_of(
          {code, (cause.empty() ? "" : cause + "; since then: ") + text_in(rollout_, "why")},
          style_));
      if (code == kExitFail) print("nothing was done: " + sanitize(why_not_acted()) + "\n");
    } else if (arguments_.output == OutputFormat::jsonl) {
      print(exporters::text_of({{"verdict", name_of(code)},
                                {"exit_code", static_cast<int>(code)},
                                {"why", text_in(rollout_, "why")}}) +
            "\n");
    } else {
      print(exporters::text_of(ordered_json(rollout_), 2) + "\n");
    }
    if (code == kExitTimeout || code == kExitWaitsForApproval) complain(ways_on(code));
    // Who was interrupted has not passed, whatever is not to fail.
    return is_rolling_back_ ? code : exit_code_of(code, arguments_.fail_on);
  }

  const ApiClient& client_;
  const GateArguments& arguments_;
  const Signals signals_;
  const Style style_;
  Progress progress_;
  json rollout_;
  std::string etag_;
  std::string refusal_;  // The daemon's, while it takes our token for none of its own.
  bool is_rolling_back_ = false;
  Moments shown_;
  const net::Deadline deadline_{patience_of(arguments_)};
};

}  // namespace

int gate_remotely(const GateArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) {
    complain(sanitize(client.error().message, 1000) +
             "; start `belay run`, set BELAY_URL, or add --standalone");
    return client.error().kind == Error::Kind::invalid ? kExitConfiguration : kExitUnavailable;
  }
  return RemoteGate(*client, arguments).run();
}

}  // namespace belay::monitor
