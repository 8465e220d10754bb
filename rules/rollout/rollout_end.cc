// How a rollout ends, and what of it is watched afterwards.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"
#include "rules/language/units.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// A plan is taken literally: it may end below all of the traffic, and then nobody moves the rest.
std::string share_kept(const RolloutRecord& record) {
  const RolloutStatus& status = record.status();
  const double percent = record.has_begun() ? record.step().percent : 100;
  if (!status.is_driving || percent >= 100) return {};
  return "; its steps end at " + decimal_text(percent) + "%: " + sanitize(status.baseline) +
         " keeps the rest of the traffic";
}

/// By its last action.
bool was_rolled_back(const ActionLog& log, const RolloutStatus& status) {
  const ActionStatus* action = status.intents.empty() ? nullptr : log.find(status.intents.back());
  return action != nullptr && action->kind == "rollback" && action->phase &&
         was_done(*action->phase);
}

}  // namespace

void Rollout::close_gate() {
  pause_.reset();
  guards_.reset();
  if (!gate_) return;
  judgement_.reset();
  end_of_bake_.reset();
  for (const JudgedRule& rule : watching_) rulings_.erase(&rule.rule());
  watching_.clear();
  gate_.reset();
  service_.evidence.paired.reset();
  release_windows();
}

void Rollout::watch_on(Instant until, Instant now) {
  watch_until_ = until;
  judgement_.reset();
  end_of_bake_.reset();
  guards_.reset();
  pause_.reset();
  if (!is_judged_by_default_alone()) return;
  Binding binding = gate_->binding();
  binding.since = std::chrono::floor<std::chrono::seconds>(now);
  for (const Rule& rule : default_alerts_)
    watching_.emplace_back(rule, service_.plan.name, binding, service_.evidence, now);
  ++service_.epoch;
}

void Rollout::watch_again(Instant now) {
  const RolloutRecord* record = promoted();
  if (record == nullptr) return;
  const Instant until = record->status().ended.value_or(now) + service_.plan.rollout.watch_for;
  if (until <= now) return;
  open_gate(record->status().id, now);
  watch_on(until, now);
  // What was bad before the rollout is no excuse for what comes after it.
  for (std::vector<JudgedRule>* rules : {&gate_->rules(), &service_.always})
    for (JudgedRule& rule : *rules) rule.mark_bad_before(false);
}

void Rollout::end(RolloutState state, const std::string& cause, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  std::vector<std::string> lines;
  std::vector<RuleStatus> rules;
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) {
      lines.push_back(rule.rule().name + ": " + gist_of(rule.status().evidence));
      rules.push_back(rule.status());
    }
  if (judgement_ && state == RolloutState::superseded)
    if (const std::optional<std::string> doubt = judgement_->hindrance()) lines.push_back(*doubt);
  const bool is_fail = state == RolloutState::failed || state == RolloutState::rolling_back;
  const bool is_pass = state == RolloutState::promoted;
  if (is_pass && !record.beware().empty()) lines.push_back(record.beware());
  const std::string prefix = state == RolloutState::superseded ? "superseded: " : "";
  const std::string why = is_pass ? cause + share_kept(record) : cause;
  const Outcome outcome = is_pass ? Outcome::pass : (is_fail ? Outcome::fail : Outcome::unknown);
  // Who aborts it knows that.
  const bool is_settled = state == RolloutState::aborted && what_is_left().empty();
  teller(now, out).rollout_ended(outcome, prefix + why, lines, !is_pass && !is_settled);
  record_judged(outcome, now, out);
  record.keep_rules(std::move(rules));
  if (!record.status().comparison) record.compare(numbers(now));
  keep_history(state, now);
  record.move(state, why, now, out);
  for (JudgedRule& rule : service_.always) {
    rule.mark_bad_before(false);
    for (std::size_t i = 0; i < rule.status().evidence.size(); ++i) rule.note(i, "");
  }
  passed_.reset();
  irreversible_.reset();
  if (is_pass) book_.pass(service_.plan.name, record.status().candidate);
  if (is_pass && gate_ && service_.plan.rollout.watch_for > Duration::zero()) {
    watch_on(now + service_.plan.rollout.watch_for, now);
    for (JudgedRule& rule : gate_->rules()) rule.mark_bad_before(false);
  } else {
    close_gate();
  }
}

void Rollout::keep_history(RolloutState state, Instant now) {
  RolloutRecord& record = records_.back();
  const std::string& candidate = record.status().candidate;
  if (state == RolloutState::promoted) {
    versions_.promoted(candidate, now);
    // Of what Belay moved, the first requests may still be on their way.
    if (record.status().is_driving || traffic_.percent_of(candidate).value_or(0) > 0)
      versions_.see_traffic_given(candidate);
    return;
  }
  if (state == RolloutState::failed || state == RolloutState::rolling_back) {
    // Its train failed: that says nothing about the version.
    if (record.rule() != kTrainRule) versions_.failed(candidate, now);
    return;
  }
  if (!gate_) return;
  // It may be bad, although nothing has failed it.
  std::optional<Instant> since;
  if (irreversible_) since = record.status().failing_since.value_or(now);
  const auto look = [&](const JudgedRule& rule, const Blame& blame) {
    const RuleStatus& status = rule.status();
    if (!counts_for_verdict(rule.rule()) || rule.rule().then.kind == Then::Kind::pause ||
        status.was_bad_before || status.truth != Truth::bad ||
        blame.fault() != Blame::Fault::candidate || is_warming_up(rule, now))
      return;
    const Instant began = status.bad_since.value_or(now);
    since = since ? std::min(*since, began) : began;
  };
  for (std::size_t i = 0; i < gate_->rules().size(); ++i)
    look(gate_->rules()[i], gate_->blame_of(i));
  for (std::size_t i = 0; i < service_.always.size(); ++i)
    look(service_.always[i], gate_->blame_of_always(i));
  const bool is_suspect =
      judgement_ &&
      (judgement_->blames_few() ||
       (!judgement_->is_paused() && (judgement_->is_over() || judgement_->finding_against())));
  if (!since && is_suspect) since = now;
  if (!since) return;
  record.failing_since(*since);
  versions_.left_bad(candidate, now);
}

void Rollout::record_judged(Outcome verdict, Instant now, Step& out) {
  if (!gate_) return;
  std::vector<RuleStatus> rules;
  if (convicted_by_) rules.push_back(*std::exchange(convicted_by_, std::nullopt));
  for (const JudgedRule& rule : gate_->rules()) rules.push_back(rule.status());
  for (const JudgedRule& rule : service_.always)
    if (counts_for_verdict(rule.rule())) rules.push_back(rule.status());
  Teller tell = teller(now, out);
  tell.judged(verdict, rules);
  if (lost_evidence_)
    for (const LostEvidence::Spell& spell : lost_evidence_->close(now)) tell.evidence_lost(spell);
  lost_evidence_.reset();
}

void Rollout::follow_evidence(Instant now, Step& out) {
  if (!lost_evidence_) return;
  Teller tell = teller(now, out);
  for (const LostEvidence::Spell& spell : lost_evidence_->look(service_.evidence, now))
    tell.evidence_lost(spell);
}

void Rollout::take_turns(Instant now, Step& out) {
  for (const Ladder::Turn& turn : ladder_.take_turns()) {
    RolloutRecord* record = record_of(turn.rollout);
    // Its own first fail has been told already.
    if (record == nullptr || !may_follow(record->state(), turn.state) || is_judged(record->state()))
      continue;
    if (turn.state == RolloutState::rolling_back && !out.orders.empty())
      record->add_intent(out.orders.back().intent);
    if (turn.state == RolloutState::recovered && was_rolled_back(log_, record->status()))
      versions_.recovered(record->status().baseline, now);
    record->move(turn.state, turn.why, now, out);
    const bool has_ended =
        turn.state == RolloutState::recovered || turn.state == RolloutState::not_recovered;
    const bool stays = has_ended && !was_rolled_back(log_, record->status());
    if (turn.state == RolloutState::inconclusive || turn.state == RolloutState::failed || stays)
      tell_ways_on(record->status(), now, out);
  }
}

}  // namespace belay::rules
