// What the train of a rollout wants of it: to wait, to begin, to end, to be taken back.

#include <algorithm>
#include <utility>

#include "base/sanitize.h"
#include "rules/rollout/is_one_of.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

bool may_be_rolled_back(const ActionStatus& action) {
  return action.kind == "rollback" && action.phase && may_be_done(*action.phase);
}

/// As in TrainMember.
struct FiringOnServed {
  std::string fires = {};
  std::string may_fire = {};
};

/// `age`: for how long all of them have been judged.
FiringOnServed firing_on_served(const std::vector<const JudgedRule*>& rules,
                                const std::vector<JudgedRule>& always, Duration age) {
  FiringOnServed found;
  for (const JudgedRule* rule : rules) {
    // An alert of the configuration may fire all day; those of the watch are of this promotion.
    if (is_one_of(always, *rule) && !counts_for_verdict(rule->rule())) continue;
    const Truth truth = rule->status().truth;
    // Later an unknown may last for ever, and tells nothing against it.
    const bool is_young = truth == Truth::unknown && age < rule->longest_window();
    if (found.fires.empty() && rule->is_firing()) found.fires = rule->rule().name;
    if (found.may_fire.empty() && (truth == Truth::bad || is_young))
      found.may_fire = rule->rule().name;
  }
  return found;
}

}  // namespace

TrainMember Rollout::member_of(const RolloutRecord& record, Instant now) const {
  const RolloutStatus& status = record.status();
  const bool is_newest = &record == &records_.back();
  const bool has_traffic = is_newest && !status.is_driving && live_percent().value_or(0) > 0;
  const bool is_off =
      std::any_of(status.intents.begin(), status.intents.end(), [&](const std::string& intent) {
        const ActionStatus* action = log_.find(intent);
        return action != nullptr && may_be_rolled_back(*action);
      });
  FiringOnServed firing;
  // A reload makes the rules of the gate anew.
  const Instant since =
      gate_ ? std::max(service_.watched_since, gate_->binding().since) : service_.watched_since;
  if (&record == promoted())
    firing = firing_on_served(rules_of_served(), service_.always, now - since);
  return {.service = status.service,
          .rollout = status.id,
          .candidate = status.candidate,
          .after = status.after,
          .takes_all_back = status.takes_all_back,
          .state = status.state,
          .verdict = status.verdict,
          .why = status.why,
          .failed_by = record.failed_by(),
          .fires = std::move(firing.fires),
          .may_fire = std::move(firing.may_fire),
          .started = status.started,
          .ended = status.ended,
          .has_moved = record.has_begun() || (moving_ && moving_->rollout == status.id) ||
                       (status.state == RolloutState::pending && has_traffic),
          .is_off = is_off,
          .was_taken_back = record.rule() == kTrainRule};
}

void Rollout::add_to(Trains& trains, Instant now) const {
  std::vector<TrainKey> seen;
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    const RolloutStatus& status = record->status();
    if (status.train.empty()) continue;
    TrainKey key(status.train, status.train_began.value_or(status.started));
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
    trains[key].push_back(member_of(*record, now));
    seen.push_back(std::move(key));
  }
}

void Rollout::take_turn(const TrainTurn& turn, Instant now, Step& out) {
  RolloutRecord* record = record_of(turn.rollout);
  if (record == nullptr) return;
  const std::string train = "its train " + sanitize(record->status().train);
  switch (turn.kind) {
    case TrainTurn::Kind::waits:
      wait_for_turn(*record, turn.why, now, out);
      break;
    case TrainTurn::Kind::begins:
      record->wait(turn.why, now);
      begin({"train: " + sanitize(record->status().train) + ", " + turn.why}, now, now, out);
      break;
    case TrainTurn::Kind::ends:
      give_up(*record, train + " has stopped: " + turn.why, now, out);
      break;
    case TrainTurn::Kind::taken_back:
      take_back(*record, train + " failed: " + turn.why, now, out);
      break;
    case TrainTurn::Kind::stranded:
      Teller(out, service_.plan.name, record->status().candidate, record->status().baseline, now,
             record->status().id)
          .notice(Notice::Kind::not_acted, true,
                  record->status().candidate + " stays, although " + train +
                      " is to be taken back: " + turn.why)
          .details.push_back(
              "each is verified before the next: a person must decide; it came in "
              "place of " +
              sanitize(record->status().baseline));
      break;
  }
}

void Rollout::wait_for_turn(RolloutRecord& record, const std::string& why, Instant now, Step& out) {
  const bool is_first = record.status().why.empty();
  record.wait(why, now);
  if (!is_first) return;
  teller(now, out).notice(
      Notice::Kind::rollout_started, false,
      record.status().candidate + " " + why + " in the train " + sanitize(record.status().train));
}

/// It has moved nothing: there is nothing to be undone, and who stopped the train has paged.
void Rollout::give_up(RolloutRecord& record, const std::string& why, Instant now, Step& out) {
  const RolloutStatus& status = record.status();
  record.move(RolloutState::aborted, why, now, out);
  Teller(out, status.service, status.candidate, status.baseline, now, status.id)
      .notice(Notice::Kind::rollout_ended, false, status.candidate + " does not begin: " + why);
}

Ladder::Cause Rollout::cause_of_train(const RolloutStatus& status, const std::string& why) const {
  Ladder::Cause cause = cause_in(status);
  cause.rule = &train_rule_;
  cause.reason = sanitize(why);
  cause.watching = rules_that_count();
  if (cause.watching.empty())
    for (const RolloutRule rule : {RolloutRule::errors, RolloutRule::latency})
      cause.watching.push_back(&default_rules_[static_cast<std::size_t>(rule)]);
  cause.rungs = {train_rule_.then};
  ask_errors_beside(cause);
  return cause;
}

std::optional<std::string> Rollout::why_not_take_back(const RolloutRecord& record) const {
  const RolloutStatus& status = record.status();
  if (!left_over_.empty()) return left_over_ + ": a person must decide";
  if (status.is_irreversible) return "it is irreversible: a person must decide";
  return why_below_enforce(status.mode, "acts");
}

std::optional<std::string> Rollout::why_superseded(const RolloutRecord& record, Instant now) const {
  const RolloutStatus& status = record.status();
  for (auto newer = records_.rbegin(); newer != records_.rend() && &*newer != &record; ++newer)
    if (newer->has_begun() && newer->status().candidate == status.candidate)
      return "another rollout of it began since";
  if (successor_of(older_of(status), now) != nullptr) return "another rollout began since";
  if (is_gone(record, now)) return "it is not live any more";
  return std::nullopt;
}

/// One that runs ends as a fail; one that was promoted leaves that state, as nothing else does.
void Rollout::take_back(RolloutRecord& record, const std::string& why, Instant now, Step& out) {
  const RolloutStatus& status = record.status();
  const bool runs = &record == running();
  // Its first traffic is on its way: when that has ended it is known what there is to take back.
  if (runs && !record.has_begun()) return;
  // Not of the one that runs: that may be a newer one.
  Teller tell(out, status.service, status.candidate, status.baseline, now, status.id);
  const auto become = [&](RolloutState state, const std::string& words) {
    record.blame(kTrainRule);
    if (runs) return end(state, words, now, out);
    tell.notice(Notice::Kind::rollout_ended, state != RolloutState::rolling_back,
                status.candidate + ": fail: " + words);
    record.take_back(state, words, now, out);
  };
  if (const std::optional<std::string> superseded = why_superseded(record, now))
    return become(RolloutState::superseded, why + "; " + *superseded);
  if (watch_until_ && promoted() == &record) {
    watch_until_.reset();
    close_gate();
  }
  Ladder::Cause cause = cause_of_train(status, why);
  if (const std::optional<std::string> objection = why_not_take_back(record)) {
    if (status.mode == Mode::recommend)
      tell.would_act(train_rule_, {}, cause.rungs, {why, *objection});
    return become(RolloutState::failed, why + "; it is not rolled back: " + *objection);
  }
  if (const std::optional<std::string> refused = climb(record, std::move(cause), now, out)) {
    become(RolloutState::failed, why + "; it could not be rolled back: " + *refused);
    return tell_ways_on(status, now, out);
  }
  if (!runs) versions_.withdraw(status.candidate);
  become(RolloutState::rolling_back, why);
}

}  // namespace belay::rules
