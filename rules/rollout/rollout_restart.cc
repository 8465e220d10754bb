// How rollouts go on after a restart: with what the journal knew of them.

#include <utility>

#include "rules/rollout/rollout.h"

namespace belay::rules {

void Rollout::remember(const Remembered& remembered, Instant now, Step& out) {
  const std::string& name = service_.plan.name;
  if (const auto good = remembered.last_good.find(name); good != remembered.last_good.end())
    last_good_ = good->second;
  if (const auto ended = remembered.deployments.find(name); ended != remembered.deployments.end())
    deployments_ = ended->second;
  for (const RememberedRollout& one : remembered.rollouts)
    if (one.started.service == name) records_.emplace_back(one, name, service_.plan.mode);
  for (const Remembered::Action& action : remembered.actions) {
    if (action.service != name) continue;
    log_.remember(action);
    if (!action.is_open || !action.order) continue;
    if (!std::holds_alternative<MoveTraffic>(action.order->action)) {
      ladder_.resume(*action.order, std::nullopt,
                     remembered_cause(action.order->rule, action.order->rollout),
                     why_never_acts(action.order->rollout), now);
      if (!ladder_.is_walking()) untended_ = action.order;
      continue;
    }
    moving_ = action.order;
    if (const RolloutRecord* record = record_of(action.order->rollout))
      moving_to_ = record->has_begun() && !record->is_last_step() ? record->status().step + 1 : 0;
  }
  if (!records_.empty()) go_on_with(remembered, now, out);
  for (RolloutRecord& record : records_) {
    const Order* walked = ladder_.order();
    if (&record == &records_.back() || is_judged(record.state()) || is_final(record.state()) ||
        (walked != nullptr && walked->rollout == record.status().id))
      continue;
    record.move(RolloutState::inconclusive, "restarted after another rollout had begun", now, out);
  }
  take_turns(now, out);
}

void Rollout::go_on_with(const Remembered& remembered, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  if (record.state() == RolloutState::pending && !status.train.empty()) return;
  if (is_judged(record.state())) {
    if (status.held == HoldReason::irreversible) irreversible_ = status.why;
    // Held for an action that is under way it goes on by itself when that has ended.
    if (status.held == HoldReason::traffic && !book_.open_intent(status.service))
      move_refused_ = status.why;
    if (!record.has_begun() && status.is_driving) return;  // Preflight asks again by itself.
    open_gate(status.id, now);
    record.restart_bake(now);
    has_skipped_ = true;
    const std::string why = "Belay was restarted: the bake of this step begins anew";
    if (record.state() == RolloutState::pending || !record.has_begun()) {
      record.begin_step(0, why, now, out);
    } else {
      record.note(why, now);
      Teller tell = teller(now, out);
      tell.notice(Notice::Kind::rollout_moved, false, status.candidate + ": " + why);
      tell.evidence_lost({.source = "Belay itself",
                          .what = "restart",
                          .since = now,
                          .until = now,
                          .reason = "",
                          .lost = 0});
    }
    return;
  }
  if (promoted() != nullptr) return watch_again(now);
  if (is_final(record.state()) || ladder_.is_walking()) return;
  // Between the fail and the first rung, or between the last outcome and the end of the watch.
  if (record.state() == RolloutState::rolling_back) {
    std::optional<Ladder::Cause> cause = remembered_cause(record.rule(), status.id);
    if (!cause) {
      record.move(RolloutState::inconclusive, "the rule that failed it is gone: " + record.rule(),
                  now, out);
    } else if (moving_) {
      waiting_cause_ = std::move(cause);
    } else if (!climb(record, std::move(*cause), now, out)) {
      record.move(RolloutState::failed,
                  why_never_acts(status.id).value_or("nothing could be done after the restart"),
                  now, out);
    }
    return;
  }
  for (const Remembered::Action& action : remembered.actions) {
    const bool is_last = !status.intents.empty() && action.intent == status.intents.back();
    if (!is_last || (!action.order && action.target.empty())) continue;
    const Order of_rollback{
        .intent = action.intent,
        .at = action.at,
        .service = status.service,
        .action = RollBack{.target = action.target, .expected = action.expected},
        .rule = record.rule(),
        .evidence = {},
        .reason = status.why,
        .candidate = status.candidate,
        .baseline = status.baseline,
        .rollout = status.id};
    const Order& order = action.order ? *action.order : of_rollback;
    ladder_.resume(order, action.phase, remembered_cause(order.rule, order.rollout),
                   why_never_acts(status.id), now);
  }
  if (ladder_.is_watching()) return;
  const std::string why = "restarted while it was verified: nobody watches whether it helped";
  record.move(RolloutState::inconclusive, why, now, out);
  teller(now, out).notice(Notice::Kind::inconclusive, true, status.candidate + ": " + why);
}

std::optional<Ladder::Cause> Rollout::remembered_cause(const std::string& rule,
                                                       const std::string& rollout) {
  const RolloutRecord* record = record_of(rollout);
  if (record == nullptr) return std::nullopt;
  if (rule == kByHand) return cause_by_hand(record->status());
  if (rule == kTrainRule) return cause_of_train(record->status(), record->status().why);
  if (std::optional<Ladder::Cause> found = cause_of_guard(rule, record->status())) return found;
  Ladder::Cause own = cause_of(rule, record->status());
  return own.rule == nullptr ? std::nullopt : std::optional(std::move(own));
}

}  // namespace belay::rules
