#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/verdict.h"

namespace belay::rules {

/// Put `target` back to all traffic. Absolute ids, frozen here; never "previous".
struct RollBack {
  std::string target;
  std::string expected;  ///< The version that was judged. Not live any more: stand down.
};
/// Set a flag back to its safe value, if it still holds what the configuration expects.
struct ResetFlag {
  std::string flag;
};
/// Run a configured command.
struct RunCommand {
  std::string command;
};

/// A decision to change the world, to be performed by the actor exactly as it stands. It has been
/// recorded durably before anyone but the journal sees it.
struct Order {
  std::string
      intent;  ///< 36 characters (a UUID's shape), unique for ever; travels to the platform.
  Instant at{};
  std::string service;
  std::variant<RollBack, ResetFlag, RunCommand> action;
  std::string rule;
  std::vector<Evidence> evidence;
  std::string reason;     ///< One line for people and for the deployment's message.
  std::string candidate;  ///< The version under judgement; empty outside a gate.
  std::string baseline;   ///< The version it replaces; empty when there is none.
};

/// Something worth telling, besides what the snapshot shows.
struct Notice {
  enum class Kind : std::uint8_t {
    fired,
    cleared,
    would_act,
    acting,
    acted,
    not_acted,
    recovered,
    not_recovered,
    inconclusive,
    gate_started,
    gate_ended,
    unknown_too_long,
    source_lost,
    source_back
  } kind{};
  bool page = false;  ///< To the `page` routes too; all go to `tell`.
  Instant at{};
  std::string service;
  std::string rule;  ///< Empty when it is not about a rule.
  Severity severity = Severity::critical;
  std::string candidate;
  std::string baseline;
  std::string headline;              ///< One line.
  std::vector<std::string> details;  ///< Further lines; hostile text passed sanitize().
  std::vector<Evidence> evidence;
  std::string intent;  ///< Of the action it is about, else empty.
};

/// What the journal must hold, in this order, before anything else of the same step happens.
struct JournalEntry {
  enum class Kind : std::uint8_t {
    gate_started,
    gate_ended,
    fired,
    cleared,
    intent,
    outcome,
    verified,
    disarmed,
    notice
  } kind{};
  Instant at{};
  std::string service;
  std::string rule;
  std::string intent;
  /// A JSON object of the kind's own fields. Three kinds are read back at start
  /// (monitor/journal.h); times in them are integers, milliseconds since the Unix epoch:
  /// - intent: "kind" ("rollback", "reset_flag" or "run"), "service", "rule", "reason",
  ///   "candidate", "baseline", "at_ms"; for a rollback "target" and "expected", for the others
  ///   "flag" or "command"; "evidence": an array of {"what", "threshold", "numerator",
  ///   "denominator", "window_ms"} with "value" where there is one.
  /// - outcome: "phase" (name_of(ActionOutcome::Phase)), "detail".
  /// - disarmed: "until_ms", "by"; the entry's own service is empty for all services.
  /// The others are for people:
  /// - gate_started: "candidate", "baseline", "lasts_ms"; gate_ended: "candidate", "baseline",
  ///   "outcome" (name_of(Outcome)), "why".
  /// - fired: "candidate" (empty outside a gate), "then", "sentence", "evidence" (lines, as
  ///   describe() tells them); cleared: "candidate", "sentence".
  /// - verified: "result" (ActionStatus::verified), "why"; notice: "kind", "page", "headline".
  std::string text;
};

/// What the journal knew at start, given to the engine before its first step.
struct Remembered {
  struct Action {
    Instant at{};
    std::string service;
    std::string intent;
    std::string target;    ///< Of a rollback; else empty.
    bool is_open = false;  ///< An intent without a final outcome: the daemon hands its order to the
                           ///< actor again.
    std::string expected;  ///< Of a rollback: the version it left; else empty.
    std::optional<ActionOutcome::Phase> phase;  ///< The final one; none while it is open.
    std::optional<Order> order;  ///< Of an open one: then it is verified as if nothing had been.
  };
  std::vector<Action> actions;  ///< Those of the last 24 h, and every open one.
  std::vector<Disarmed> disarmed;
};

const char* name_of(Notice::Kind kind);

}  // namespace belay::rules
