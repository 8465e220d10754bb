#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "monitor/clock.h"
#include "monitor/config/config.h"
#include "monitor/platform/platforms.h"
#include "rules/engine.h"
#include "rules/event.h"

namespace belay::monitor {

/// The configured checks of each service that has some.
using PreflightChecks = std::map<std::string, std::vector<PreflightCheck>>;
PreflightChecks preflight_checks_of(const Config& config);

struct PreflightOptions {
  /// What is not fine is asked again, so that a rollout goes on by itself once it is: first after
  /// so long, then after twice as long each time, up to the most.
  std::chrono::milliseconds again_first{1'000};
  std::chrono::milliseconds again_max{30'000};
  int tries_max = 125;
};

/// Answers the questions of before a rollout's first step, on a thread of its own: whether the
/// version to go back to exists and can be deployed, whether the candidate exists, and what the
/// configuration asks by HTTP and by command. Only reads; what it cannot know is `unknown`.
class Preflight {
 public:
  /// Called on the thread; into the Inbox, in the daemon.
  using Deliver = std::function<void(rules::PreflightDone)>;

  /// The references must outlive this, those given to use() as well.
  Preflight(const Platforms& platforms, PreflightChecks checks, const Clock& clock, Deliver deliver,
            PreflightOptions options = {});
  ~Preflight() = default;
  Preflight(const Preflight&) = delete;
  Preflight& operator=(const Preflight&) = delete;

  /// Any thread; returns at once. The same rollout asked again is answered anew.
  void ask(rules::PreflightAsked asked);
  /// Any thread. For the questions from now on.
  void use(const Platforms& platforms, PreflightChecks checks);
  /// Ends the call under way, and joins.
  void stop();

 private:
  using Steady = std::chrono::steady_clock;
  struct Question {
    rules::PreflightAsked asked;
    Steady::time_point due{};
    int tries = 0;
  };

  void work(const std::stop_token& stop);
  rules::PreflightDone answer(const rules::PreflightAsked& asked, Platform* platform,
                              const std::vector<PreflightCheck>& checks,
                              const std::stop_token& stop) const;

  const Clock& clock_;
  const Deliver deliver_;
  const PreflightOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  const Platforms* platforms_;
  PreflightChecks checks_;
  std::vector<Question> questions_;
  std::uint64_t asks_ = 0;
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace belay::monitor
