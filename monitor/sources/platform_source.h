#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/time.h"
#include "monitor/platform/platform.h"
#include "monitor/source.h"
#include "monitor/sources/backoff.h"
#include "monitor/sources/call_budget.h"

namespace belay::monitor {

struct PlatformSourceOptions {
  rules::SourceId source{};
  std::string service;
  Platform& platform;  ///< Outlives the source, as the next.
  CallBudget& calls;
  Duration every = std::chrono::seconds{10};  ///< Its interval in the plan.
};

/// What is deployed on one service, read again and again: the split that an attached rollout
/// follows, and deployments that nobody announced. A platform that cannot be read says so as a
/// source (`down`, `refused`) and no Deployment is sent: unreadable is never "nothing is deployed".
class PlatformSource final : public Source {
 public:
  explicit PlatformSource(PlatformSourceOptions options);

  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

  /// Any thread. Something was done here just now.
  void look_now();

 private:
  using Steady = std::chrono::steady_clock;

  void look(const std::stop_token& stop, Lane& lane, const Clock& clock);
  void note_fault(const Error& error);
  void say(Lane& lane, const Clock& clock) const;
  /// Until the next tick or look_now(). False: stopped.
  bool wait(const std::stop_token& stop);

  const PlatformSourceOptions options_;
  std::mutex mutex_;
  std::condition_variable_any asked_;
  bool is_asked_ = false;

  // The running thread's own.
  Backoff backoff_;
  Steady::time_point not_before_{};  ///< After a fault.
  rules::SourceHealth health_ = rules::SourceHealth::down;
  std::string detail_;
  std::uint64_t reads_ = 0;
  std::uint64_t readable_ = 0;
};

}  // namespace belay::monitor
