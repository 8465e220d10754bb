#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "monitor/platform/platform.h"
#include "tests/support/manual_clock.h"

namespace belay::test {

/// How a platform takes one order.
enum class Behaviour : std::uint8_t {
  clean,
  applied_then_dropped,  ///< Done, but the connection goes before the answer.
  applied_then_500,      ///< Done, but the answer is an error.
  not_applied_and_500,
  slow,       ///< Our deadline passes; some seconds later it is done after all.
  throttled,  ///< 429 with Retry-After.
  unreachable,
  refused,
  accepted_in_vain,  ///< It says yes, and nothing ever comes of it.
  human_first,  ///< Someone else deploys between our read and our call, which then lands on top.
};

/// How it answers one read.
enum class ReadBehaviour : std::uint8_t {
  clean,
  unreachable,
  throttled,
  refused,
  human_before,
  stale,  ///< As it was before the latest deployment.
};

/// Thrown in place of a kill -9, after what the call did.
struct Killed {};

/// A platform with deployments, one on top of another, that behaves by a script; after the script,
/// cleanly. Its world survives the process that acts on it.
class FakePlatform final : public monitor::Platform {
 public:
  struct Deployment {
    std::string intent;  ///< Empty: a human's.
    std::string version;
  };

  explicit FakePlatform(ManualClock& clock) : clock_(clock) {}

  Result<monitor::Standing> read(const rules::Order& order, std::stop_token stop) override;
  Status apply(const rules::Order& order, std::stop_token stop) override;
  [[nodiscard]] monitor::Trace trace(const rules::Order&) const override { return trace_; }
  [[nodiscard]] Duration lag_max() const override { return lag_max_; }
  [[nodiscard]] std::string by_hand(const rules::Order&) const override { return "by hand"; }

  void deploy_by_hand(const std::string& version) { deployments_.push_back({"", version}); }
  [[nodiscard]] int deployments_of(const std::string& intent);
  [[nodiscard]] const std::string& live_version();
  [[nodiscard]] int applies() const { return applies_; }
  [[nodiscard]] int reads() const { return reads_; }

  std::vector<Behaviour> script_;
  std::vector<ReadBehaviour> read_script_;
  std::optional<int> killed_at_call_;  ///< Counting reads and applies from 1.
  monitor::Trace trace_ = monitor::Trace::id;
  Duration lag_max_ = Duration::zero();
  Duration call_takes_ = std::chrono::milliseconds{200};
  Duration slow_takes_ = std::chrono::seconds{8};  ///< After the call has ended for us.
  std::function<void()> on_apply_;

 private:
  void catch_up();
  void count_call();
  void deploy(const rules::Order& order, Instant at);

  struct Late {
    Instant at;
    Deployment deployment;
  };
  ManualClock& clock_;
  std::vector<Deployment> deployments_ = {{"", "good"}, {"", "bad"}};
  std::vector<Late> late_;
  int applies_ = 0;
  int reads_ = 0;
};

/// From "bad" to "good", as of now.
rules::Order fake_order(int number, const ManualClock& clock);

}  // namespace belay::test
