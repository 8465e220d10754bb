#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/parse/log_parser.h"
#include "rules/engine.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {

/// The engine over a recording: a step every 250 ms of the recording's own time, which follows the
/// largest event time seen. The same bytes give the same steps, however they are cut into pieces.
class Replay {
 public:
  struct Options {
    rules::Plan plan;  ///< Without sources: the recording is the only one.
    LogFormat format = LogFormat::automatic;
    std::string latency_field;
    std::string service = "unnamed";  ///< Of events that name none.
    std::optional<rules::RolloutStarted>
        gate;  ///< Begins with the first event; its `at` is set here.
    /// How its traffic was moved while the recording was made, from the first event on. It is a
    /// rollout in these steps; the last one bakes until the recording ends.
    std::vector<rules::RolloutStep> steps;
  };
  /// What the recording came to. documents = used + the sum of rejected.
  struct Summary {
    std::uint64_t documents = 0;
    std::uint64_t used = 0;
    std::map<std::string, std::uint64_t> rejected;  ///< By reason, the parser's and the engine's.
    std::uint64_t unreadable = 0;                   ///< Of the rejected: may be what fails.
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    std::uint64_t steps = 0;
    std::optional<Instant> first;  ///< Event times.
    std::optional<Instant> last;
  };
  using EachStep = std::function<void(const rules::Step&, Instant now)>;

  /// Nothing may lie further ahead than this: such an event is refused, counted as "time_jump".
  static constexpr Duration kJumpMax = std::chrono::hours{24};

  Replay(Options options, EachStep each_step);

  void feed(std::string_view bytes);
  /// The end of one file: a last line without a line break counts.
  void end_of_file();
  /// The end of all: the last steps are made.
  void finish();

  [[nodiscard]] Summary summary() const;
  /// Nothing if no event had a time.
  [[nodiscard]] std::optional<rules::Snapshot> snapshot() const;
  /// That of `gate`, as it stands; nothing if none has begun.
  [[nodiscard]] std::optional<rules::RolloutStatus> rollout() const;
  /// Which event of all was the first to be refused as a jump, counted from 0, and how far it lay
  /// ahead.
  struct Jump {
    std::uint64_t event = 0;
    Duration ahead{};
  };
  [[nodiscard]] const std::optional<Jump>& jump() const { return jump_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  /// The time of the first event, and the largest one.
  [[nodiscard]] std::optional<Instant> first() const { return first_; }
  [[nodiscard]] Instant last() const { return largest_; }
  /// The first document of each reason for which the parser rejected one; fit for a terminal.
  [[nodiscard]] const std::map<std::string, std::string>& first_rejected() const {
    return parser_.first_rejected();
  }

 private:
  void take(std::vector<rules::Event>& parsed);
  void take(rules::Event&& event, Instant at);
  void begin(Instant first);
  void step_to(Instant until);
  void step();
  /// Tells of the steps that have begun before `until`, as a platform would.
  void move_traffic(Instant until);

  Options options_;
  rules::TextId unnamed_ = rules::kNoText;
  EachStep each_step_;
  LogParser parser_;
  std::optional<rules::Engine> engine_;
  std::vector<rules::Event> parsed_;
  std::vector<rules::Event> waiting_;  ///< For the next step.
  rules::SourceHealth health_ = rules::SourceHealth::alive;
  Instant next_step_{};
  Instant largest_{};
  std::size_t moved_ = 0;  ///< Steps that have begun.
  Instant moves_at_{};     ///< When the next one begins.
  std::optional<Instant> first_;
  std::optional<Jump> jump_;
  std::uint64_t events_ = 0;
  std::uint64_t jumps_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace belay::monitor
