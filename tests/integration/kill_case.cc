#include "tests/integration/kill_case.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <fstream>
#include <list>
#include <map>
#include <sstream>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "monitor/journal.h"
#include "monitor/system_clock.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongest = 150s;
constexpr int kLookEveryMs = 40;
/// No two make the same number of calls.
constexpr std::size_t kTracedLives = 3;
/// The exit code for it; here by what known() says of locks.
constexpr int kStateInUse = 69;

constexpr const char* kConfiguration = R"(state: state
listen: off
metrics: 127.0.0.1:0
mode: enforce
platforms: {{ cloudflare: {{ account: acc, token: "${{TOKEN}}", api: "{}" }} }}
services:
  shop:
    platform: {{ cloudflare: {{ script: shop }} }}
    logs: {{ file: shop.log }}
    rollout: {{ rules: [rules.yaml], verify for: 5s }}
notify:
  page: [ {{ slack: {{ webhook: "${{SLACK}}" }} }} ]
)";

constexpr const char* kRules = R"(rules:
  - name: shop-errors
    when: error rate > 20% over 5s, min 20 requests
    then: rollback
)";

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool wait_until(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + patience(kLongest);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, kLookEveryMs);
  }
  return true;
}

std::vector<std::string> inject(const KillPoint& kill) {
  return {"-o", "/dev/null",
          "-e", "trace=" + kill.call,
          "-e", fmt::format("inject={}:signal=KILL:when={}", kill.call, kill.number)};
}

/// The name in "1234  sendto(7, …"; empty where no call begins.
std::string call_in(const std::string& line) {
  const std::size_t name = line.find_first_not_of(' ', line.find(' '));
  const std::size_t open = line.find('(', name == std::string::npos ? line.size() : name);
  if (open == std::string::npos) return "";
  const std::string call = line.substr(name, open - name);
  const bool is_name =
      std::ranges::all_of(call, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  return is_name ? call : "";
}

}  // namespace

const char* name_of(PeerBehaviour behaviour) {
  switch (behaviour) {
    case PeerBehaviour::clean:
      return "clean";
    case PeerBehaviour::applied_then_dropped:
      return "applied then dropped";
    case PeerBehaviour::applied_then_500:
      return "applied then 500";
    case PeerBehaviour::not_applied_and_500:
      return "not applied and 500";
    case PeerBehaviour::slow:
      return "slow";
    case PeerBehaviour::throttled:
      return "429";
  }
  return "";
}

std::vector<KillPoint> points_of(const std::string& trace) {
  std::map<std::pair<std::string, std::string>, int> by_thread;
  std::map<std::string, int> most;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const std::string call = call_in(line);
    if (call.empty()) continue;
    const int number = ++by_thread[{call, line.substr(0, line.find(' '))}];
    most[call] = std::max(most[call], number);
  }
  std::vector<KillPoint> points;
  for (const auto& [call, count] : most)
    for (int number = 1; number <= count; ++number) points.push_back({call, number});
  return points;
}

std::string KillCase::name() const {
  std::string text =
      fmt::format("{}, killed at {} {}", name_of(behaviour_), first_.call, first_.number);
  if (second_) text += fmt::format(", and at {} {}", second_->call, second_->number);
  return text;
}

void KillCase::fail(const std::string& what) { fault_ += name() + ": " + what + "\n"; }

void KillCase::configure() {
  place_.write("belay.yaml", fmt::format(kConfiguration, peer_.base_url()));
  place_.write("rules.yaml", kRules);
  place_.write("shop.log", "");
  peer_.behave({behaviour_});
}

ChildProcess::Options KillCase::belay(std::vector<std::string> words, const char* output,
                                      std::vector<std::string> before) const {
  before.push_back(belay_binary().string());
  before.insert(before.end(), words.begin(), words.end());
  return {.argv = std::move(before),
          // Nobody listens there: being told is not what this is about.
          .environment = {"TOKEN=t", "SLACK=http://127.0.0.1:9/hook", without_leak_sanitizer()},
          .output = place_.path() / output,
          .directory = place_.path()};
}

ChildProcess::Options KillCase::gate(const char* output) const {
  return belay({"gate", "--standalone", "--service", "shop", "--candidate", kBadVersion,
                "--baseline", kGoodVersion, "--for", "10m"},
               output);
}

bool KillCase::says(const char* output, const std::string& text) const {
  return content_of(place_.path() / output).find(text) != std::string::npos;
}

bool KillCase::has_ended(const char* output) const {
  // "acted        shop: done: …" of a gate, "acted: shop: done: …" of a daemon.
  return says(output, "done: roll back") || says(output, "could not roll back") ||
         says(output, "stood down") || says(output, "cannot tell whether it was done");
}

void KillCase::serve() {
  std::ofstream log(place_.path() / "shop.log", std::ios::app);
  const bool is_back = peer_.deployments_with("belay ") > 0;
  for (int i = 0; i < 12; ++i)
    log << fmt::format(
        R"({{"ts":{},"service":"shop","version":"{}","route":"/","status":{},"wall_ms":3}})"
        "\n",
        now_ms(), is_back ? kGoodVersion : kBadVersion, is_back ? 200 : 500);
}

bool KillCase::serve_until(const std::function<bool()>& condition) {
  return wait_until([&] {
    serve();
    return condition();
  });
}

void KillCase::act_and_die(const std::vector<std::string>& tracing_words) {
  ChildProcess process(gate("first"));
  if (!wait_until([&] { return says("first", "watching"); }))
    return fail("the gate does not start: " + content_of(place_.path() / "first"));
  std::vector<std::string> argv = {"strace", "-f", "-p", std::to_string(process.pid())};
  argv.insert(argv.end(), tracing_words.begin(), tracing_words.end());
  ChildProcess tracing({.argv = std::move(argv), .output = place_.path() / "strace"});
  if (!wait_until([&] { return says("strace", "attached"); }))
    return fail("strace: " + content_of(place_.path() / "strace"));
  std::optional<int> code;
  const bool is_over = serve_until([&] {
    code = process.wait(0ms);
    return code.has_value() || has_ended("first");
  });
  if (!is_over) return fail("it neither acts nor dies: " + content_of(place_.path() / "first"));
  was_killed_ = code == 128 + SIGKILL;
  // What outlives its action dies just after it.
  process.signal(SIGKILL);
  static_cast<void>(process.wait(20s));
  tracing.signal(SIGTERM);
  static_cast<void>(tracing.wait(20s));
}

KillCase::Known KillCase::known() {
  // Between another case's fork and its exec, the new process holds every lock of ours.
  auto journal = monitor::Journal::open(place_.path() / "state");
  static_cast<void>(wait_until([&] {
    if (journal.ok() || journal.error().kind != Error::Kind::conflict) return true;
    journal = monitor::Journal::open(place_.path() / "state");
    return false;
  }));
  if (!journal.ok()) {
    fail(journal.error().message);
    return {};
  }
  const auto recovered = (*journal)->recover(monitor::SystemClock{}.now());
  if (!recovered.ok()) {
    fail(recovered.error().message);
    return {};
  }
  return {recovered->remembered.actions.size(), recovered->open_orders.size()};
}

void KillCase::recover(const std::optional<KillPoint>& kill) {
  std::vector<std::string> before;
  if (kill) {
    // The tracer as a grandchild: in between it would now and then end without handing SIGTERM on.
    before = {"strace", "-D", "-f"};
    for (std::string& word : inject(*kill)) before.push_back(std::move(word));
  }
  const char* const output = kill ? "second" : "third";
  std::optional<int> code;
  do {
    ChildProcess process(belay({"run"}, output, before));
    const bool is_over = serve_until([&] {
      code = process.wait(0ms);
      return code.has_value() || has_ended(output);
    });
    if (!is_over) return fail("it does not recover: " + content_of(place_.path() / output));
    process.signal(SIGTERM);
    static_cast<void>(process.wait(20s));
  } while (code == kStateInUse);
  was_killed_again_ = was_killed_again_ || code == 128 + SIGKILL;
}

void KillCase::recover_until_closed() {
  if (second_ && known().open > 0) recover(second_);
  if (!fault_.empty()) return;
  const Known after = known();
  if (after.intents == 0) {
    // It died before it had decided: whoever asked for the gate asks again.
    std::optional<int> code;
    do {
      ChildProcess process(gate("again"));
      const bool is_over = serve_until([&] {
        code = process.wait(0ms);
        return code.has_value() || has_ended("again");
      });
      if (!is_over) fail("the next gate does not act: " + content_of(place_.path() / "again"));
      process.signal(SIGKILL);
      static_cast<void>(process.wait(20s));
    } while (code == kStateInUse);
  } else if (after.open > 0) {
    recover(std::nullopt);
  }
}

void KillCase::check() {
  const int ours = peer_.deployments_with("belay ");
  if (ours == 0) fail("lost: nothing was rolled back");
  if (ours > 1) fail(fmt::format("duplicate: {} deployments", ours));
  const Known at_last = known();
  if (at_last.intents != 1 || at_last.open != 0)
    fail(fmt::format("the journal has {} intents, {} of them open", at_last.intents, at_last.open));
}

void KillCase::run() {
  configure();
  act_and_die(inject(first_));
  if (fault_.empty()) recover_until_closed();
  if (fault_.empty()) check();
}

KillCase::Traced KillCase::trace(PeerBehaviour behaviour) {
  std::list<KillCase> lives;
  std::vector<std::jthread> threads;
  while (lives.size() < kTracedLives) lives.emplace_back(behaviour, KillPoint{}, std::nullopt);
  for (KillCase& life : lives)
    threads.emplace_back([&life] {
      life.configure();
      life.act_and_die({"-o", (life.place_.path() / "trace").string()});
    });
  threads.clear();
  std::string all;
  Traced traced;
  for (const KillCase& life : lives) {
    all += content_of(life.place_.path() / "trace");
    traced.fault += life.fault_;
  }
  traced.points = points_of(all);
  return traced;
}

}  // namespace belay::test
