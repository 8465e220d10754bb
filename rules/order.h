#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/rollout_numbers.h"
#include "rules/judgement/verdict.h"
#include "rules/rollout/deployment_totals.h"
#include "rules/rollout/rollout_state.h"

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

/// Split the traffic between two versions. Absolute: what each gets, not by how much it changes.
struct MoveTraffic {
  std::string candidate;
  std::string baseline;
  double percent = 0;  ///< Of the candidate; the baseline gets the rest.
  /// What was live when it was decided. Something else by now: stand down.
  std::vector<Deployment::Share> expected;
};

/// Order::rule where a person has asked for it: no rule can be called so.
inline constexpr std::string_view kByHand = "by hand";

/// A decision to change the world, to be performed by the actor exactly as it stands. It has been
/// recorded durably before anyone but the journal sees it.
struct Order {
  std::string
      intent;  ///< 36 characters (a UUID's shape), unique for ever; travels to the platform.
  Instant at{};
  std::string service;
  std::variant<RollBack, ResetFlag, RunCommand, MoveTraffic> action;
  std::string rule;
  std::vector<Evidence> evidence;
  std::string reason;     ///< One line for people and for the deployment's message.
  std::string candidate;  ///< The version under judgement; empty outside a rollout.
  std::string baseline;   ///< The version it replaces; empty when there is none.
  std::string rollout;    ///< RolloutStarted::id; empty outside a rollout.
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
    rollout_started,
    rollout_moved,  ///< A step began, or went on after a hold.
    rollout_held,
    rollout_ended,
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
    rollout_started,
    rollout_moved,
    rollout_ended,
    commanded,
    silenced,
    fired,
    cleared,
    intent,
    outcome,
    verified,
    disarmed,
    notice,
    judged,
    evidence_lost
  } kind{};
  Instant at{};
  std::string service;
  std::string rule;
  std::string intent;
  /// A JSON object of the kind's own fields; times in it are integers, milliseconds since the Unix
  /// epoch. Read back at start (monitor/journal.h):
  /// - intent: "kind" ("rollback", "reset_flag", "run" or "move"), "service", "rule", "reason",
  ///   "rollout" (its id; empty outside one), "candidate", "baseline", "at_ms"; for a rollback
  ///   "target" and "expected", for a move "percent" and "expected" (an array of {"version",
  ///   "percent"}), for the others "flag" or "command"; "evidence": an array of {"what",
  ///   "threshold", "numerator", "denominator", "window_ms"} with "value" where there is one.
  /// - outcome: "phase" (name_of(ActionOutcome::Phase)), "detail", "by_hand" where there is one.
  /// - disarmed: "until_ms", "by"; the entry's own service is empty for all services.
  /// - silenced: "until_ms", "by"; service and rule are the entry's own.
  /// - rollout_started: "rollout" (its id), "candidate", "baseline", "steps" (steps_text),
  ///   "driving", "irreversible", "train", "commit", "by", "mode", "mode_asked";
  ///   "committed_at_ms" if known; in a train "after" (an array), "takes_all_back" and
  ///   "train_began_ms".
  /// - rollout_moved, rollout_ended: "rollout", "candidate", "baseline", "state", "step",
  ///   "step_started_ms", "paused", "approved", "rule", "verdict" (name_of(Outcome)), "why"; "held"
  ///   while it is; from the decision on "numbers": an object of RolloutNumbers' fields, counts as
  ///   "candidate_bad", "candidate_total", "since_start_baseline_bad", ..., tops as arrays of
  ///   {"name", "bad", "total"}. Until its end "before": an array of {"rule", "sentence", "truth",
  ///   "values"} (of {"truth", "value", "threshold", "numerator", "denominator"}), one for each
  ///   RuleBefore, and "queues_before": an object of depths by queue. "traffic": TrafficSeen as
  ///   {"deployment", "shares" (an array of {"version", "percent"}), "at_start", "was_live"}.
  ///   "restated" where nothing but what it says has changed. Once it has failed
  ///   "failing_since_ms"; at its end "committed_at_ms" if known.
  /// The others are for people:
  /// - commanded: "rollout", "command", "by", "reason", "answer".
  /// - fired: "candidate" (empty outside a rollout), "then", "sentence", "evidence" (lines, as
  ///   describe() tells them); cleared: "candidate", "sentence".
  /// - verified: "result" (ActionStatus::verified), "why", "evidence" (as in judged); notice:
  ///   "kind", "page", "headline"; "why" where it says why nothing was done.
  /// - judged, when the verdict of a rollout came: what it rests on, as judged_text.h says.
  /// - evidence_lost, at the beginning and at the end of a spell: "source", "what" (a name_of
  ///   UnknownKind, "gap", "refused", "restart"), "since_ms", "until_ms" once it is over; of a gap
  ///   "reason" and "lost" (0: not known how much), and of requests that were refused.
  std::string text;
  /// The id of the rollout that it is about, empty outside one. Kinds whose text says "rollout" and
  /// those with an intent may leave it out.
  std::string rollout = {};
};

/// How a rule stood on the service just before a rollout; one of a guard on that.
struct RuleBefore {
  std::string rule;
  std::string sentence;  ///< Another one by now: it says nothing any more.
  Truth truth = Truth::unknown;
  std::vector<Evidence> evidence;  ///< Of a bad one: of each the numbers, and whether it is bad.
};

/// What the platform was read to say of a rollout, as far as a later life must know it.
struct TrafficSeen {
  std::string deployment;  ///< Id of the newest reading; empty: none, or it has no ids.
  /// By the last reading that was believed while the rollout was judged; empty: there was none.
  std::vector<Deployment::Share> shares;
  std::vector<std::string> at_start;  ///< Versions that had traffic when the rollout began.
  bool was_live = false;              ///< The candidate had traffic, whoever has it by now.
};

/// A rollout as the journal knew it.
struct RememberedRollout {
  /// `steps` is never empty; `id`, `baseline` and `mode` are as they were frozen.
  RolloutStarted started;
  bool is_mode_asked = false;  ///< Its mode was chosen for it; else it is what its service had.
  /// Of its last rollout_moved or rollout_ended; a rollout without one was `pending`.
  Instant at{};
  RolloutState state{};
  std::optional<HoldReason> held;
  std::size_t step = 0;
  Instant step_started{};
  bool is_paused = false;
  bool is_approved = false;
  std::string rule;  ///< That failed it.
  Outcome verdict = Outcome::unknown;
  std::string why;
  std::optional<Instant> failing_since;  ///< RolloutStatus::failing_since.
  std::vector<std::string> intents;      ///< Of the intents that carry its id, in their order.
  /// Of its last entry that has them; `before` without the bad ones that count again.
  std::vector<RuleBefore> before;
  std::map<std::string, double> queues_before;  ///< Depths when it began.
  std::optional<RolloutNumbers> numbers;        ///< Of the decision.
  TrafficSeen traffic;
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
    std::optional<Order> order;  ///< Of an open one and one being verified: both are gone on with.
  };
  std::vector<Action> actions;  ///< Those of the last 24 h, and every open one.
  std::vector<Disarmed> disarmed;
  /// Those that are not over, and those that ended within the last 24 h, in order of their start.
  std::vector<RememberedRollout> rollouts;
  std::vector<Silenced> silenced;                       ///< Those whose `until` lies ahead.
  std::map<std::string, std::string> last_good;         ///< By service: the version promoted last.
  std::map<std::string, DeploymentTotals> deployments;  ///< By service: of all that ever ended.
};

const char* name_of(Notice::Kind kind);

}  // namespace belay::rules
