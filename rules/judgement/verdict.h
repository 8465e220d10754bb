#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// Whether a condition holds, in three-valued logic over "is it bad" (Kleene).
enum class Truth : std::uint8_t { fine, bad, unknown };

/// Why nothing can be said. The order is that of precedence when several apply at once, the one
/// that people must act on first.
enum class UnknownKind : std::uint8_t {
  error,        ///< A provider refuses us, or a clock is wrong.
  blind,        ///< The source is dead or silent, and we cannot know.
  sampled,      ///< The platform drops events.
  lagging,      ///< Evidence arrives too late to be current.
  no_traffic,   ///< The source is alive, and nothing (or less than `min`) comes.
  warming,      ///< The window is not filled yet.
  no_latency,   ///< Requests come without a duration.
  no_baseline,  ///< A comparison without anything to compare with.
};

/// What one comparison was judged on. Everything a person needs to check it by hand.
struct Evidence {
  std::string what;  ///< "5xx rate", "candidate p95 latency", as in the sentence.
  double value = 0;  ///< In the base unit of `dimension`.
  double threshold = 0;
  Compare compare = Compare::greater;
  Dimension dimension = Dimension::count;
  bool has_value = false;
  std::uint64_t numerator = 0;    ///< Of a share: bad events. Of "pQ > T": those above T.
  std::uint64_t denominator = 0;  ///< Samples in the window.
  std::optional<std::uint64_t> samples_min;
  Duration window{};
  bool by_wall_time = false;  ///< The latency is the platform's wall time.
  Truth truth = Truth::unknown;
  std::optional<UnknownKind> unknown;
  bool of_events = false;  ///< A share, a quantile or a mean of events: comparable at any traffic.
  std::string note;        ///< What else a person must know about it; empty mostly.
};

/// The state of one rule on one service at one moment.
struct RuleStatus {
  std::string service;
  std::string rule;
  std::string sentence;
  Then then;
  Severity severity = Severity::critical;
  Truth truth = Truth::unknown;
  std::optional<UnknownKind> unknown;
  bool firing = false;
  std::optional<Instant> bad_since;  ///< Set while bad or pending.
  std::optional<Instant> firing_since;
  bool was_bad_before = false;     ///< Bad when the gate began: it cannot act.
  std::vector<Evidence> evidence;  ///< One per comparison of the sentence, in its order.
};

enum class Outcome : std::uint8_t { pass, fail, unknown };

const char* name_of(Truth truth);
const char* name_of(UnknownKind kind);
const char* name_of(Outcome outcome);
const char* name_of(Severity severity);
/// "share", "points", "duration", "per_second", "count", "bytes".
const char* name_of(Dimension dimension);
/// ">", ">=", "<", "<=".
const char* sign_of(Compare compare);

/// "12.4% (31 of 250) > 5% over 1m": one line, the same in the terminal, Slack, the journal and the
/// API.
std::string describe(const Evidence& evidence);
/// "12.4%", "250ms", "10/s".
std::string words_of(double value, Dimension dimension);

}  // namespace belay::rules
