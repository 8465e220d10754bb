#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/names.h"
#include "rules/judgement/verdict.h"
#include "rules/plan.h"
#include "rules/snapshot.h"
#include "rules/windows/count_window.h"
#include "rules/windows/coverage.h"
#include "rules/windows/duplicate_filter.h"

namespace belay::rules {

/// Why the engine did not count a piece of evidence. What was received is what was evaluated and
/// what was refused, by reason.
enum class Refusal : std::uint8_t {
  none,
  late,
  duplicate,
  from_the_future,
  unknown_service,
  too_many_services,
  too_many_queues,
  undefined_text,
  not_a_number,
  inconsistent,
};
inline constexpr std::size_t kRefusals = 10;
const char* name_of(Refusal refusal);

/// What the engine knows of one source: its texts, whether it lives, how late it is, what it gave.
class SourceRecord {
 public:
  SourceRecord(SourcePlan plan, Instant start);

  [[nodiscard]] const SourcePlan& plan() const { return plan_; }
  /// Silent for longer than this it is blind, and what it said last says nothing any more.
  [[nodiscard]] Duration silence_max() const { return plan_.interval * 3; }
  /// It is in the plan no more: what it still sends is refused.
  void retire() { is_retired_ = true; }
  [[nodiscard]] bool is_retired() const { return is_retired_; }

  /// True: the id meant something else before.
  bool define(TextId id, NameId name);
  /// Nothing for an id that was never defined; kNoName for kNoText.
  [[nodiscard]] std::optional<NameId> name(TextId id) const;

  /// Whether evidence from `at` may count. `earliest` is when it may have arrived at the earliest:
  /// a stall of our own makes nothing late.
  [[nodiscard]] Refusal admit(Instant at, Instant earliest, Instant now,
                              bool is_any_lateness) const;
  void expect(std::uint64_t fingerprint) const { seen_.expect(fingerprint); }
  [[nodiscard]] bool is_new(std::uint64_t fingerprint) { return seen_.insert(fingerprint); }

  /// Books `calls` pieces of evidence.
  void book(Refusal refusal, Instant at, std::uint64_t calls = 1) {
    received_ += calls;
    received_now_ += calls;
    refused_[static_cast<std::size_t>(refusal)] += calls;
    // What came too late to count is what shows a source that lags.
    const bool is_telling = refusal == Refusal::none || refusal == Refusal::late;
    if (is_telling && at > newest_) newest_ = at;
    if (refusal == Refusal::from_the_future && at > newest_refused_) newest_refused_ = at;
  }
  void say(const SourceState& state, Instant now);
  void progress(const SourceProgress& progress);
  void lose(const SourceGap& gap);
  /// After the evidence of one moment: signs of life, lag, the share from the future.
  void settle(Instant now);

  /// What is wrong with it now, the worst first.
  [[nodiscard]] std::optional<UnknownKind> trouble(Instant now) const;
  /// That in words, to stand behind its name: " is down: no such file", ": 3 of 9 events …"; empty
  /// if nothing is wrong.
  [[nodiscard]] std::string words_of_trouble(Instant now) const;
  /// Said where so many events come from the future that nothing can be known; else empty.
  [[nodiscard]] std::string clock_trouble() const;
  [[nodiscard]] bool is_blind(Instant now) const;
  [[nodiscard]] bool was_heard() const { return last_heard_.has_value(); }
  [[nodiscard]] const std::string& detail() const { return detail_; }
  /// Share of (now - over, now] in which it gave everything; nothing counts from before `since`.
  [[nodiscard]] double covered(Instant now, Duration over, Instant since) const;
  [[nodiscard]] bool is_warming(Instant now, Duration over, Instant since) const;

  /// Engine time of its newest evidence; of the engine's start if there was none yet.
  [[nodiscard]] Instant last_evidence() const { return last_evidence_.value_or(start_); }
  /// How far what it gives lies behind now; zero for one that is quiet for longer than that.
  [[nodiscard]] Duration lag(Instant now) const;
  [[nodiscard]] std::optional<Instant> sampled_since() const { return sampled_since_; }
  [[nodiscard]] std::uint64_t refused_total(Refusal refusal) const {
    return refused_[static_cast<std::size_t>(refusal)];
  }
  /// Events that were lost on the way, at least; by reason.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& lost_total() const { return lost_; }

  [[nodiscard]] SourceStatus status(Instant now) const;

 private:
  SourcePlan plan_;
  Instant start_;
  std::vector<NameId> names_;
  Coverage coverage_;
  DuplicateFilter seen_;
  std::optional<SourceHealth> said_;
  std::string detail_;
  std::optional<Instant> last_heard_;
  std::optional<Instant> last_evidence_;
  std::optional<Instant> sampled_since_;
  std::optional<Duration> lag_;
  Instant newest_ = Instant::min();
  Instant newest_refused_ = Instant::min();  // From the future.
  Duration ahead_{};                         // How far that was.
  bool has_spoken_ = false;
  bool is_retired_ = false;
  std::uint64_t received_ = 0;
  std::uint64_t received_now_ = 0;
  std::uint64_t from_the_future_before_ = 0;
  std::uint64_t late_before_ = 0;
  [[nodiscard]] bool is_clock_wrong() const;
  [[nodiscard]] bool is_much_late() const;

  CountWindow received_minute_;
  CountWindow from_the_future_minute_;
  CountWindow late_minute_;
  std::array<std::uint64_t, kRefusals> refused_{};
  SourceProgress progress_;
  std::map<std::string, std::uint64_t> lost_;
};

}  // namespace belay::rules
