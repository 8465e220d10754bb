// What an operator says about a rollout.

#include <algorithm>
#include <utility>

#include "base/sanitize.h"
#include "rules/language/rule_check.h"
#include "rules/language/units.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// `is_frozen`: by the calendar. No approval overrides what else keeps traffic from being moved.
bool can_be_approved(HoldReason held, bool is_frozen) {
  return held == HoldReason::approval || held == HoldReason::preflight ||
         held == HoldReason::train || (held == HoldReason::freeze && is_frozen);
}

std::string why_not_begun(const RolloutRecord& record, bool is_frozen) {
  const std::string words = "its first step has not begun: ";
  const std::optional<HoldReason> held = record.status().held;
  if (!held) return words + "it begins by itself when nothing is in the way";
  std::string name(name_of(*held));
  const char* todo = "it goes on by itself when that is over";
  if (can_be_approved(*held, is_frozen)) {
    todo = "approve lets it begin";
  } else if (*held == HoldReason::freeze) {
    name += ": " + record.status().why;
  }
  if (*held == HoldReason::paused || *held == HoldReason::traffic) todo = "resume lets it go on";
  return words + "it is held (" + name + "), and " + todo;
}

std::string why_not_approved(const RolloutStatus& status) {
  const std::string nothing = "nothing waits for an approval";
  const std::size_t next = status.step + 1;
  if (next >= status.steps.size() || !status.steps[next].after_approval) return nothing;
  return nothing + " yet: the step before " + decimal_text(status.steps[next].percent) +
         "% has not passed" + (status.held ? " (" + status.why + ")" : "") +
         "; approve when the rollout is held for it";
}

}  // namespace

bool Rollout::command(const OperatorCommand& command, Instant now, Step& out) {
  RolloutRecord* record = record_of(command.rollout);
  if (record == nullptr) return false;
  Teller tell(out, service_.plan.name, record->status().candidate, record->status().baseline, now);
  const std::string by = command.by.empty() ? "an operator" : sanitize(command.by);
  std::string answer =
      "it is " + std::string(name_of(record->state())) + " and not judged any more";
  if (record == running()) {
    record->note(std::string(name_of(command.kind)) + " by " + by +
                     (command.reason.empty() ? "" : ": " + sanitize(command.reason)),
                 now);
    answer = obey(command, now, out);
  }
  tell.commanded(command, answer);
  if (answer == "done") return true;
  record->note("did not " + std::string(name_of(command.kind)) + ": " + answer, now);
  const bool is_rollback = command.kind == OperatorCommand::Kind::rollback;
  Notice& told =
      tell.notice(Notice::Kind::not_acted, false,
                  "did not " + (is_rollback ? "roll back" : std::string(name_of(command.kind))) +
                      " " + record->status().candidate + ": " + answer);
  const std::string typed = is_rollback ? by_hand(record->status(), now) : std::string();
  if (!typed.empty()) told.details.push_back(words_of_by_hand(typed));
  return true;
}

std::string Rollout::obey(const OperatorCommand& command, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const std::string by = command.by.empty() ? "an operator" : sanitize(command.by);
  const std::optional<HoldReason> held = record.status().held;
  const bool pauses = command.kind == OperatorCommand::Kind::pause;
  if (record.state() == RolloutState::pending &&
      (pauses || (command.kind == OperatorCommand::Kind::resume && record.is_paused()))) {
    record.pause(pauses);
    record.restate(
        pauses ? "paused by " + by + ": it will wait before its first step" : "resumed by " + by,
        now, out);
    return "done";
  }
  if (record.state() == RolloutState::pending && command.kind != OperatorCommand::Kind::abort)
    return "it waits for its turn in the train " + sanitize(record.status().train) +
           ": pause keeps it from its first step, abort ends it";
  switch (command.kind) {
    case OperatorCommand::Kind::pause:
      record.pause(true);
      hold({HoldReason::paused, "paused by " + by}, now, out);
      return "done";
    case OperatorCommand::Kind::resume:
      if (!record.is_paused() && !irreversible_ && !move_refused_) return "it is not paused";
      record.pause(false);
      if (irreversible_ && judgement_) judgement_->go_on();
      irreversible_.reset();
      move_refused_.reset();
      if (record.has_begun()) {
        go_on("resumed by " + by, now, out);
      } else if (record.state() == RolloutState::held) {
        record.move(RolloutState::preflight, "resumed by " + by, now, out);
      }
      return "done";
    case OperatorCommand::Kind::approve:
      if (held == HoldReason::freeze && !frozen(service_.plan.rollout, now))
        return "no approval overrides this: " + record.status().why;
      if (!held || !can_be_approved(*held, true)) return why_not_approved(record.status());
      // The steps of an attached one may wait for an approval of their own.
      if (*held == HoldReason::preflight && !record.status().is_driving) {
        preflight_.is_waived = true;
      } else {
        record.approve();
      }
      record.hold(*held, "approved by " + by, now, out);
      return "done";
    case OperatorCommand::Kind::abort:
      end(RolloutState::aborted, "aborted by " + by + what_is_left(), now, out);
      return "done";
    case OperatorCommand::Kind::promote:
      return promote(by, now, out);
    case OperatorCommand::Kind::rollback:
      return roll_back_by_hand(
          "rolled back by " + by + (command.reason.empty() ? "" : ": " + sanitize(command.reason)),
          now, out);
  }
  return "it is unknown";
}

std::string Rollout::promote(const std::string& by, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  if (!record.has_begun())
    return why_not_begun(record, frozen(service_.plan.rollout, now).has_value());
  if (moving_) return "traffic is on its way";
  const auto is_bad = [](const JudgedRule& rule) {
    return counts_for_verdict(rule.rule()) &&
           (rule.is_firing() || rule.status().truth == Truth::bad);
  };
  for (const std::vector<JudgedRule>* rules : {&gate_->rules(), &service_.always})
    for (const JudgedRule& rule : *rules)
      if (is_bad(rule)) return rule.rule().name + (rule.is_firing() ? " fires" : " is bad");
  if (guards_)
    for (const Guards::Watched& one : guards_->rules())
      if (is_bad(one.rule)) return one.guard->name + "'s " + one.rule.rule().name + " is bad";
  if (judgement_)
    if (const std::optional<std::string> hindrance = judgement_->hindrance()) return *hindrance;
  if (irreversible_) return "it has failed: " + *irreversible_;
  const std::size_t next = record.status().step + 1;
  if (record.status().is_driving && !record.is_last_step())
    if (const std::optional<Hold> hold = why_no_traffic(record, now)) return hold->why;
  record.pause(false);
  move_refused_.reset();
  if (record.is_last_step()) {
    end(RolloutState::promoted, "promoted by " + by, now, out);
  } else if (record.status().is_driving) {
    record.approve();  // No freeze takes it back.
    order_move(next, "promoted by " + by, now, out);
  } else {
    begin_step(next, "promoted by " + by, now, out);
  }
  return "done";
}

/// What a person takes back is watched by all that counts, but for what was bad already.
Ladder::Cause Rollout::cause_by_hand(const RolloutStatus& status) const {
  Ladder::Cause cause = cause_in(status);
  cause.rule = &by_hand_;
  cause.rungs = rungs_of(by_hand_.then);
  // What stands beside the rollback in `on fail` was not asked for.
  if (rolls_back(cause.rungs)) cause.rungs = {by_hand_.then};
  cause.watching = rules_that_count();
  const auto was_bad_before = [this](const Rule* rule) {
    const auto is_it = [rule](const JudgedRule& one) {
      return &one.rule() == rule && one.status().was_bad_before;
    };
    return std::any_of(service_.always.begin(), service_.always.end(), is_it) ||
           (gate_ && std::any_of(gate_->rules().begin(), gate_->rules().end(), is_it));
  };
  std::erase_if(cause.watching, was_bad_before);
  if (cause.watching.empty())
    cause.watching = {&default_rules_[static_cast<std::size_t>(RolloutRule::errors)]};
  ask_errors_beside(cause);
  return cause;
}

/// Refused whole or obeyed: a rollout is not failed for a rollback that may not be.
std::string Rollout::roll_back_by_hand(const std::string& why, Instant now, Step& out) {
  const RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  if (!record.has_begun())
    return moving_
               ? "traffic is on its way to its first step: ask again when it is there"
               : "its first step has not begun, so there is nothing to roll back; abort ends it";
  if (status.is_irreversible) return "it is irreversible: no rollback undoes it";
  if (const std::optional<std::string> lower = why_below_enforce(status.mode, "acts"))
    return *lower;
  Ladder::Cause cause = cause_by_hand(status);
  cause.reason = cut(why);
  if (!waiting_.empty()) return "an earlier rollout of this service is to be rolled back first";
  // What may be now may be when the traffic is there: nothing else acts on the service until then.
  if (const std::optional<std::string> objection = ladder_.objection(cause, now)) return *objection;
  ladder_.give_way("a person rolls back a newer rollout", now, out);
  take_turns(now, out);
  fail(std::move(cause), {.headline = why, .details = {}, .numbers = std::nullopt}, now, out);
  return "done";
}

}  // namespace belay::rules
