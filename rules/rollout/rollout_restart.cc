// How rollouts go on after a restart: with what the journal knew of them.

#include <algorithm>
#include <utility>

#include "rules/judgement/default_rules.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// Of a rollout, or of an action outside one.
std::optional<Drain::Before> requests_before(const RolloutRecord* record) {
  if (record == nullptr || !record->status().comparison) return std::nullopt;
  std::optional<Drain::Before> before = Drain::before(*record->status().comparison);
  const std::vector<Deployment::Share>& shares = record->traffic().shares;
  if (before && record->status().is_driving) {
    before->given = record->step().percent / 100;
  } else if (before && !shares.empty()) {
    before->given = share_of({.versions = shares}, record->status().candidate) / 100;
  }
  return before;
}

/// By which other rules it is judged than in the life before, as both told them; empty: by none.
std::string changed_rules(const std::vector<RuleBefore>& was, const std::vector<RuleBefore>& is) {
  std::string words;
  for (const RuleBefore& one : was) {
    const auto now = std::ranges::find(is, one.rule, &RuleBefore::rule);
    if (now != is.end() && now->sentence == one.sentence) continue;
    words += (words.empty() ? "" : "; ") + one.rule + " was `" + one.sentence + "`" +
             (now == is.end() ? " and is gone" : ", is `" + now->sentence + "`");
  }
  return words;
}

}  // namespace

void Rollout::remember(const Remembered& remembered, Instant now, Step& out) {
  const std::string& name = service_.plan.name;
  versions_ = VersionHistory(remembered, name);
  default_rules_ =
      rules_by_default(service_.plan.rollout.limits, service_.evidence.names_of(SourceKind::probe));
  if (const auto ended = remembered.deployments.find(name); ended != remembered.deployments.end())
    deployments_ = ended->second;
  for (const RememberedRollout& one : remembered.rollouts)
    if (one.started.service == name) records_.emplace_back(one, name, service_.plan.mode);
  for (const Remembered::Action& action : remembered.actions)
    if (action.service == name) take_up_action(action, now);
  for (RolloutRecord& record : records_)
    if (!is_judged(record.state()) && !is_final(record.state()))
      go_on_acting(record, remembered, now, out);
  if (!records_.empty()) go_on_with(now, out);
  take_turns(now, out);
}

void Rollout::take_up_action(const Remembered::Action& action, Instant now) {
  log_.remember(action);
  if (!action.order) return;
  const Order& order = *action.order;
  RolloutRecord* acted_for = record_of(order.rollout);
  if (acted_for != nullptr && !is_judged(acted_for->state()) &&
      !std::holds_alternative<MoveTraffic>(order.action))
    acted_for->remember_fail(order.reason);
  if (!action.is_open) return;
  if (!std::holds_alternative<MoveTraffic>(order.action)) {
    ladder_.resume(order,
                   {.phase = std::nullopt,
                    .elsewhere = remembered_cause(order.rule, order.rollout),
                    .forbidden = why_never_acts(order.rollout),
                    .before = requests_before(acted_for)},
                   now);
    if (!ladder_.is_walking()) untended_ = order;
    return;
  }
  moving_ = order;
  if (const RolloutRecord* record = record_of(order.rollout))
    moving_to_ = record->has_begun() && !record->is_last_step() ? record->status().step + 1 : 0;
}

void Rollout::go_on_with(Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  if (!left_over_.empty()) {
    if (is_judged(record.state()))
      end(RolloutState::inconclusive, left_over_ + ": nobody judges it", now, out);
    return;
  }
  const RolloutStatus& status = record.status();
  const TrafficSeen& seen = record.traffic();
  traffic_.go_on_with_rollout(seen);
  // What came while it was promoted was rolled out itself, where that is wanted.
  const bool is_known = is_judged(record.state()) || (record.state() == RolloutState::promoted &&
                                                      service_.plan.rollout.is_attached_by_itself);
  if (is_known && !seen.shares.empty())
    looked_at_ = Deployment{.service = status.service, .versions = seen.shares};
  if (record.state() == RolloutState::pending && !status.train.empty()) return;
  if (is_judged(record.state())) {
    if (status.held == HoldReason::irreversible) irreversible_ = status.why;
    if (status.held == HoldReason::traffic) move_refused_ = status.why;
    if (!record.has_begun() && status.is_driving)
      return record.note("Belay was restarted: it looks anew before the first step", now);
    const std::vector<RuleBefore> known = record.before();
    open_gate(status.id, now);
    record.restart_bake(now);
    has_skipped_ = true;
    std::string why = "Belay was restarted: the bake of this step begins anew";
    if (const std::string changed = changed_rules(known, record.before()); !changed.empty()) {
      why += ", by other rules than before: " + changed;
      record.keep_beware("its rules changed with a restart of Belay: " + changed);
    }
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
  if (promoted() != nullptr) watch_again(now);
}

void Rollout::go_on_acting(RolloutRecord& record, const Remembered& remembered, Instant now,
                           Step& out) {
  const RolloutStatus& status = record.status();
  record.restate("Belay was restarted: it looks how far it had come", now, out);
  const auto is_taken_up = [this, &status] {
    return ladder_.order() != nullptr && ladder_.order()->rollout == status.id;
  };
  if (is_taken_up()) return;
  if (record.state() == RolloutState::rolling_back) return go_on_rolling_back(record, now, out);
  for (const Remembered::Action& action : remembered.actions) {
    const bool is_last = !status.intents.empty() && action.intent == status.intents.back();
    if (!is_last || ladder_.is_walking() || (!action.order && action.target.empty())) continue;
    const Order of_rollback{
        .intent = action.intent,
        .at = action.at,
        .service = status.service,
        .action = RollBack{.target = action.target, .expected = action.expected},
        .rule = record.rule(),
        .evidence = {},
        .reason = record.failed_by(),
        .candidate = status.candidate,
        .baseline = status.baseline,
        .rollout = status.id};
    const Order& order = action.order ? *action.order : of_rollback;
    ladder_.resume(order,
                   {.phase = action.phase,
                    .elsewhere = remembered_cause(order.rule, order.rollout),
                    .forbidden = why_never_acts(status.id),
                    .before = requests_before(&record)},
                   now);
  }
  if (!is_taken_up())
    end_unwatched(record, "restarted while it was verified: nobody watches whether it helped", now,
                  out);
}

/// Between the fail and the first rung: that waited, or was not recorded any more.
void Rollout::go_on_rolling_back(RolloutRecord& record, Instant now, Step& out) {
  std::optional<Ladder::Cause> cause = remembered_cause(record.rule(), record.status().id);
  if (!cause)
    return end_unwatched(record, "the rule that failed it is gone: " + record.rule(), now, out);
  bool is_newer_begun = false;
  for (auto newer = records_.rbegin(); newer != records_.rend() && &*newer != &record; ++newer)
    is_newer_begun = is_newer_begun || newer->has_begun();
  // Nobody knows yet who has the traffic; what is on its way leaves time to see it.
  if (is_newer_begun && !why_waits())
    return end_unwatched(record, "restarted after another rollout had begun: it is not rolled back",
                         now, out);
  cause->reason = cut(record.failed_by());
  cause->decided_before_restart = requests_before(&record);
  begin_late(record, *std::move(cause), now, out);
}

void Rollout::end_unwatched(RolloutRecord& record, const std::string& why, Instant now, Step& out) {
  const RolloutStatus& status = record.status();
  record.move(RolloutState::inconclusive, why, now, out);
  Teller(out, status.service, status.candidate, status.baseline, now, status.id)
      .notice(Notice::Kind::inconclusive, true, status.candidate + ": " + why);
  tell_ways_on(status, now, out);
}

std::optional<Ladder::Cause> Rollout::remembered_cause(const std::string& rule,
                                                       const std::string& rollout) {
  const RolloutRecord* record = record_of(rollout);
  if (record == nullptr) return std::nullopt;
  if (rule == kByHand) return cause_by_hand(record->status());
  if (rule == kTrainRule) return cause_of_train(record->status(), record->failed_by());
  if (std::optional<Ladder::Cause> found = cause_of_guard(rule, record->status())) return found;
  Ladder::Cause own = cause_of(rule, record->status());
  return own.rule == nullptr ? std::nullopt : std::optional(std::move(own));
}

}  // namespace belay::rules
