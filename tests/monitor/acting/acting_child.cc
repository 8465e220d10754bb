// The process that the tests of acting kill.
//   acting_child journal STATE FIRST      appends batches of three for ever, says each on stdout
//   acting_child act STATE BASE_URL STAGE performs the order that is open in the journal, or a
//   first
//                                         one, over Cloudflare's API; kills itself at the stage:
//                                         intent (durable), read (before the call), call (half way
//                                         through it), sent (after it), outcome (known, not
//                                         written)
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include <unistd.h>

#include "monitor/actor.h"
#include "monitor/journal.h"
#include "monitor/platform/cloudflare.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"

namespace {

using namespace std::chrono_literals;
using namespace belay;

int append_for_ever(const char* state, int first) {
  auto journal = monitor::Journal::open(state);
  if (!journal.ok()) return 70;
  for (int number = first;; number += 3) {
    const auto at = from_unix_ms(1'795'000'000'000 + number);
    const auto status =
        (*journal)->append({test::fired_entry(number, at), test::fired_entry(number + 1, at),
                            test::fired_entry(number + 2, at)});
    if (!status.ok()) return 71;
    const std::string line = std::to_string(number) + "\n";
    if (::write(1, line.data(), line.size()) < 0) return 72;
  }
}

class SteadyClock final : public monitor::Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return from_unix_ms(1'795'000'000'000) + (std::chrono::steady_clock::now() - began_);
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

void die_at(const std::string& stage, const char* here) {
  if (stage == here) ::raise(SIGKILL);
}

/// Cloudflare, with a kill before, during or after the call that changes something.
class Deadly final : public monitor::Platform {
 public:
  Deadly(monitor::CloudflareOptions options, std::string stage)
      : inner_(std::move(options)), stage_(std::move(stage)) {}
  Result<monitor::Standing> read(const rules::Order& order, std::stop_token stop) override {
    return inner_.read(order, stop);
  }
  Status apply(const rules::Order& order, std::stop_token stop) override {
    die_at(stage_, "read");
    if (stage_ == "call") {
      std::signal(SIGALRM, [](int) { ::raise(SIGKILL); });
      ::ualarm(20'000, 0);
    }
    const Status status = inner_.apply(order, stop);
    die_at(stage_, "call");  // When it was quicker than the alarm.
    die_at(stage_, "sent");
    return status;
  }
  [[nodiscard]] std::string by_hand(const rules::Order& order) const override {
    return inner_.by_hand(order);
  }

 private:
  monitor::Cloudflare inner_;
  std::string stage_;
};

int act(const char* state, const char* base_url, const std::string& stage) {
  const SteadyClock clock;
  auto opened = monitor::Journal::open(state);
  if (!opened.ok()) return 70;
  monitor::Journal& journal = **opened;
  auto recovered = journal.recover(clock.now());
  if (!recovered.ok()) return 71;

  monitor::Platforms platforms;
  platforms.add_rollback("shop",
                         std::make_unique<Deadly>(monitor::CloudflareOptions{.account = "acct",
                                                                             .script = "mautic-api",
                                                                             .token = Secret("t"),
                                                                             .deadline = 1s,
                                                                             .base_url = base_url},
                                                  stage));
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<rules::ActionOutcome> outcomes;
  monitor::ActorOptions options;
  options.settle = 2s;  // Longer than the deadline above: "slow" takes effect when we give up.
  options.retry_first = 100ms;
  options.retry_max = 500ms;
  monitor::Actor actor(
      platforms, clock,
      [&](const rules::Order& /*order*/, rules::ActionOutcome outcome) {
        const std::scoped_lock lock(mutex);
        outcomes.push_back(std::move(outcome));
        changed.notify_all();
      },
      options);
  if (recovered->remembered.actions.empty()) {
    const rules::Order order = test::rollback_order(1, clock.now());
    if (!journal.append({test::intent_entry(order)}).ok()) return 72;
    die_at(stage, "intent");
    actor.submit(order);
  }
  for (const rules::Order& order : recovered->open_orders) actor.resume(order);
  std::unique_lock lock(mutex);
  changed.wait_for(lock, test::patience(50s), [&] { return !outcomes.empty(); });
  if (outcomes.empty()) return 73;
  std::printf("%s\n", outcomes[0].detail.c_str());
  die_at(stage, "outcome");
  const auto written =
      journal.append({test::outcome_entry(outcomes[0].intent, outcomes[0].phase, outcomes[0].at)});
  if (!written.ok()) return 74;
  return outcomes[0].phase == rules::ActionOutcome::Phase::applied ? 0 : 75;
}

}  // namespace

int main(int count, char** words) {
  if (count == 4 && std::strcmp(words[1], "journal") == 0) {
    return append_for_ever(words[2], std::atoi(words[3]));
  }
  if (count == 5 && std::strcmp(words[1], "act") == 0) return act(words[2], words[3], words[4]);
  return 64;
}
