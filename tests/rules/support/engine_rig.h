#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine.h"
#include "rules/language/parser.h"

namespace belay::rules {

using namespace std::chrono_literals;

/// A rule from its sentence; a sentence that does not parse ends the test run.
Rule make_rule(std::string_view name, std::string_view sentence, std::string_view then = "alert");

/// Requests that are alike, for EngineRig::requests().
struct Alike {
  std::string service;  ///< Empty: the source's own.
  std::string version;
  std::string route = "/";
  std::string method = "GET";
  std::string outcome;
  std::uint16_t status = 200;
  std::uint16_t exceptions = 0;
  Invocation type = Invocation::fetch;
  std::optional<Duration> latency = std::chrono::milliseconds{10};
  std::optional<Duration> cpu;
};

/// An engine with one service, "shop", one log source, "tail", one probe, "healthz", and one queue
/// source, "queues"; time starts at kStart and goes on in steps of 250 ms. Sources live until they
/// are told otherwise.
class EngineRig {
 public:
  static constexpr Instant kStart = from_unix_ms(1'700'000'000'000);
  static constexpr SourceId kTail{0};
  static constexpr SourceId kProbe{1};
  static constexpr SourceId kQueues{2};
  static constexpr SourceId kScrape{3};

  explicit EngineRig(std::vector<Rule> rules, std::vector<Rule> rollout_rules = {});
  explicit EngineRig(Plan plan, Remembered remembered = {});

  static Plan plan_of(std::vector<Rule> rules, std::vector<Rule> rollout_rules = {});

  /// Every second from now on there are `per_second` such requests, evenly spread; 0 ends them.
  /// `name` tells several streams apart.
  void stream(const std::string& name, int per_second, Alike alike = {});
  void push(Event event) { waiting_.push_back(std::move(event)); }
  Request request(const Alike& alike, Instant at, SourceId source = kTail);
  TextId text(SourceId source, std::string_view text);

  void set_alive(SourceId source, bool is_alive) { alive_[source] = is_alive; }
  void say(SourceId source, SourceHealth health);

  /// Goes on for so long; what the steps asked for adds up in journal, orders and notices.
  void run(Duration span);
  /// One step to now + span, with what is waiting and nothing else.
  Step jump(Duration span);

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Duration elapsed() const { return now_ - kStart; }
  [[nodiscard]] RuleStatus rule(std::string_view name) const;
  [[nodiscard]] ServiceStatus service(std::string_view name = "shop") const;
  [[nodiscard]] SourceStatus source(std::string_view name) const;
  /// Runs in steps until the rule fires; how long that took from now, or nothing within `at_most`.
  std::optional<Duration> time_to_fire(std::string_view name, Duration at_most);
  [[nodiscard]] std::vector<Notice> notices_of(Notice::Kind kind) const;

  Engine engine;
  std::vector<JournalEntry> journal;
  std::vector<Order> orders;
  std::vector<Recall> recalls;
  std::vector<Notice> notices;
  std::vector<PreflightAsked> preflight;

 private:
  struct Stream {
    int per_second = 0;
    Alike alike;
    std::int64_t sent = 0;
    Instant since{};
  };
  void emit_streams(Instant until);
  void keep(Step step);

  Instant now_ = kStart;
  std::vector<Event> waiting_;
  std::map<std::string, Stream> streams_;
  std::map<SourceId, bool> alive_;
  std::map<std::pair<SourceId, std::string>, TextId> texts_;
};

}  // namespace belay::rules
