// Who gets how much of the traffic.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/language/units.h"
#include "rules/rollout/made_id.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// What the platform's own answers may lag behind what it did.
constexpr Duration kPlatformSettles = std::chrono::seconds{30};
/// Who has traffic, and came with this deployment as far as the log tells.
constexpr Duration kLately = std::chrono::seconds{30};
constexpr Duration kAbsentBefore = std::chrono::seconds{5};

/// Whether one of its moves of this life may be done, or be done yet.
bool may_have_moved(const ActionLog& log, const RolloutStatus& status) {
  return std::ranges::any_of(status.intents, [&log](const std::string& intent) {
    const ActionStatus* action = log.find(intent);
    return action != nullptr && action->phase == ActionOutcome::Phase::abandoned;
  });
}

}  // namespace

std::optional<double> Rollout::live_percent() const {
  return records_.empty() ? std::nullopt : traffic_.percent_of(records_.back().status().candidate);
}

bool Rollout::is_candidate_absent(Instant now) const {
  const RolloutStatus& status = records_.back().status();
  const std::optional<Deployment>& live = log_.live(traffic_.reading());
  if (live && !moving_ && is_live_current(now) && share_of(*live, status.baseline) > 0)
    return share_of(*live, status.candidate) <= 0;
  // A candidate that crashes before it logs must not look so.
  if (status.is_driving || start_ > status.started ||
      service_.last_seen(gate_->binding().unscoped.version))
    return false;
  const TrafficSlice others = beside(service_.recent_answers(kLately), status.candidate);
  return std::ranges::any_of(others, [&](const VersionRequests& one) {
    const auto came = service_.came(names_.id(one.version), kAbsentBefore);
    return one.version != status.baseline && one.version != kOtherVersions &&
           is_traffic(one.requests, sum_of(others)) && came && *came >= status.started - kRecent;
  });
}

void Rollout::probed(const std::string& probe, const ProbeLog::Answer& answer) {
  if (!judgement_ || answer.at < gate_->started()) return;
  const PairedEvidence& paired = *service_.evidence.paired;
  // What another version is said to have answered is nobody's: it may be the candidate, called so.
  // And what was aimed at one that is not there says nothing of it: there is nothing to take back.
  std::optional<Role> role;
  if (answer.version == paired.candidate()) {
    if (!is_candidate_absent(answer.at)) role = Role::candidate;
  } else if (answer.version != kNoName && answer.version == paired.baseline()) {
    role = Role::baseline;
  }
  judgement_->probe_answered(probe, role, answer.at, answer.failure != ProbeFailure::none);
}

bool Rollout::is_gone(const RolloutRecord& record, Instant now) const {
  const RolloutStatus& status = record.status();
  const std::optional<Deployment>& live = traffic_.reading();
  return live && !moving_ && is_live_current(now) && share_of(*live, status.candidate) <= 0 &&
         live->at - status.step_started >= kPlatformSettles;
}

LiveTraffic::Wanted Rollout::wanted_traffic(const Deployment& reading) const {
  const RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  const bool must_show =
      status.is_driving && record.has_begun() && !moving_ && reading.at > moved_at_;
  return {.candidate = status.candidate,
          .baseline = status.baseline,
          .percent = must_show ? std::optional(record.step().percent) : std::nullopt};
}

void Rollout::see_versions(const Deployment& deployment) {
  for (const Deployment::Share& share : deployment.versions) {
    if (share.percent > 50) book_.see_live(service_.plan.name, share.version, deployment.at);
    if (share.percent > 0) versions_.see_traffic_given(share.version);
  }
  if (ladder_.rolled_back_at() && share_of(deployment, ladder_.order()->candidate) <= 0)
    rolled_off_seen_ = deployment.at;
}

void Rollout::stand_down_if_replaced(const Deployment& deployment, Instant now, Step& out) {
  const std::optional<std::string> target = ladder_.restored();
  if (!target || share_of(deployment, *target) > 0 ||
      deployment.at - ladder_.watching_since() < kPlatformSettles)
    return;
  ladder_.stand_down(sanitize(*target) + " is not live any more", now, out);
  take_turns(now, out);
  if (ladder_.take_free_windows()) release_windows();
}

void Rollout::deployed(const Deployment& deployment, Instant now, Step& out) {
  if (deployment.versions.empty()) return;
  take_reading(deployment, now, out);
  if (!records_.empty()) records_.back().journal_traffic(deployment, now, out);
}

void Rollout::take_reading(const Deployment& deployment, Instant now, Step& out) {
  see_versions(deployment);
  const std::optional<double> before = live_percent();
  LiveTraffic::Finding finding;
  if (running() == nullptr) {
    traffic_.read(deployment);
  } else {
    const auto was_rolled_away = [this](const std::string& version) {
      return book_.was_rolled_away(service_.plan.name, version);
    };
    finding = traffic_.read(deployment, wanted_traffic(deployment), was_rolled_away, now);
  }
  if (!records_.empty()) records_.back().see_traffic(deployment, traffic_);
  stand_down_if_replaced(deployment, now, out);
  if (running() == nullptr) return look_for_new_versions(deployment, now, out);
  if (const std::string other = replaced_meanwhile(deployment, now);
      !finding.taken_over && !other.empty())
    finding.taken_over = "someone deployed " + sanitize(other) + " while Belay was not running";
  if (finding.taken_over) {
    end(RolloutState::superseded, *finding.taken_over, now, out);
    return look_for_new_versions(deployment, now, out);
  }
  if (finding.is_doubted) return;
  // Whether what is there instead is new is asked when it has superseded this one.
  if (traffic_.is_as_given()) looked_at_ = deployment;
  const RolloutRecord& record = records_.back();
  if (!record.status().is_driving && record.state() != RolloutState::pending)
    follow_traffic(before, now, out);
}

void Rollout::follow_traffic(std::optional<double> share_before, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const double percent = live_percent().value_or(0);
  const std::vector<RolloutStep>& steps = record.status().steps;
  std::size_t step = record.status().step;
  while (step + 1 < steps.size() && steps[step + 1].percent <= percent + 0.01) ++step;
  if (step != record.status().step) {
    const bool has_skipped = has_skipped_ || !passed_ || step > record.status().step + 1;
    begin_step(step, "the platform gives it " + decimal_text(percent) + "%", now, out);
    has_skipped_ = has_skipped;
  } else if (end_of_bake_ && share_before != percent) {
    if (share_before) end_of_bake_->had_another_share();
    if (!judgement_) return service_.evidence.paired->mix_shares();
    end_of_bake_->split_changes();
    judgement_->begin_step(traffic_.reading()->at, percent / 100);
  }
}

void Rollout::order_move(std::size_t step, const std::string& why, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  const RolloutStep& wanted = status.steps[step];
  std::vector<Deployment::Share> expected;
  // Whoever names another baseline than what our own action left knows better than a reading of
  // before it.
  const std::optional<Deployment>& read = traffic_.reading();
  const std::optional<Deployment>& live = log_.live(read);
  if (live && (live->at == read->at || share_of(*live, status.baseline) > 0))
    expected = live->versions;
  if (expected.empty() && step == 0) expected = {{status.baseline, 100}};
  if (step > 0) {
    // What we ordered last; a reading of before it may be older.
    const double had = status.steps[status.step].percent;
    expected = {{status.candidate, had}};
    if (had < 100) expected.push_back({status.baseline, 100 - had});
  }
  Order order;
  order.intent = made_id({"move", status.id}, {now.time_since_epoch().count(),
                                               start_.time_since_epoch().count(), ++moves_});
  order.at = now;
  order.service = status.service;
  order.action = MoveTraffic{.candidate = status.candidate,
                             .baseline = status.baseline,
                             .percent = wanted.percent,
                             .expected = std::move(expected)};
  order.reason = "step " + std::to_string(step + 1) + " of " + std::to_string(status.steps.size()) +
                 ": " + why;
  order.candidate = status.candidate;
  order.baseline = status.baseline;
  order.rollout = status.id;
  if (record.state() == RolloutState::held)
    record.move(record.has_begun() ? RolloutState::baking : RolloutState::preflight,
                "nothing holds it any more", now, out);
  book_.begin_move(order);
  log_.begin(order);
  if (step == 0) {
    // Once it is done, in this life or a later one, what is bad may be the candidate's own.
    const bool has_none = read && is_live_current(now) &&
                          read->at - moved_at_ >= kPlatformSettles &&
                          share_of(*read, status.candidate) <= 0;
    if (!has_none && (record.is_before_believed() || may_have_moved(log_, status))) {
      record.believe_before();
    } else {
      record.forget_before();
    }
    look_before(record, now);
    record.believe_before();
    record.restate("kept how its rules stand ahead of its first move", now, out);
  }
  record.add_intent(order.intent);
  record.note("moving " + decimal_text(wanted.percent) + "%: " + why, now);
  teller(now, out).moving(order);
  moving_ = std::move(order);
  moving_to_ = step;
}

std::optional<Rollout::Hold> Rollout::why_no_traffic(const RolloutRecord& record,
                                                     Instant now) const {
  if (const std::optional<std::string> why =
          why_below_enforce(record.status().mode, "moves traffic"))
    return Hold{HoldReason::freeze, *why + ": set `mode: enforce`, or abort"};
  if (const std::optional<std::string> why = book_.why_disarmed(service_.plan.name, now))
    return Hold{HoldReason::freeze, *why};
  if (book_.open_intent(service_.plan.name) || ladder_.is_walking() || !waiting_.empty())
    return Hold{HoldReason::freeze, "another action on this service is still under way"};
  return std::nullopt;
}

std::optional<std::string> Rollout::why_not_move(Instant now) const {
  const RolloutRecord* record = running();
  if (record == nullptr || record->status().id != moving_->rollout) return "its rollout is over";
  if (const std::optional<std::string> why =
          why_below_enforce(record->status().mode, "moves traffic"))
    return why;
  if (record->is_paused()) return "an operator has paused its rollout";
  if (record->is_approved()) return std::nullopt;
  if (train_stopped_) return "its train has stopped: " + *train_stopped_;
  return frozen(service_.plan.rollout, now);
}

std::optional<std::string> Rollout::why_recalled(const Order& order, Instant now) const {
  if (const std::optional<std::string> why = book_.why_disarmed(service_.plan.name, now))
    return why;
  if (moving_) return why_not_move(now);
  if (const std::optional<std::string> given_way = ladder_.given_way()) return given_way;
  if (const std::optional<std::string> why = ladder_.objection_to_sending()) return why;
  return why_never_acts(order.rollout);
}

void Rollout::recall(Instant now, Step& out) {
  const Order* order = moving_ ? &*moving_ : ladder_.order();
  if (order == nullptr && untended_) order = &*untended_;
  if (order == nullptr || order->intent == recalled_ || !book_.is_open(order->intent)) return;
  const std::optional<std::string> why = why_recalled(*order, now);
  if (!why) return;
  recalled_ = order->intent;
  out.recalls.push_back({.intent = order->intent, .why = *why});
}

void Rollout::moved(const ActionOutcome& outcome, Instant now, Step& out) {
  using Phase = ActionOutcome::Phase;
  teller(now, out).outcome(outcome, "");
  log_.outcome(outcome);
  if (!is_final(outcome.phase)) return;
  book_.end(outcome.intent, outcome.phase);
  const Order order = *std::exchange(moving_, std::nullopt);
  moved_at_ = now;
  RolloutRecord* record = record_of(order.rollout);
  if (is_waiting(order.rollout)) return;  // What it has by now is taken back next.
  // Not the command: what the candidate lacks is given by a resume, or not at all.
  const std::string detail = outcome.detail.empty() ? "" : ": " + sanitize(outcome.detail);
  const auto& move = std::get<MoveTraffic>(order.action);
  const std::optional<Deployment>& live = traffic_.reading();
  const std::string words = decimal_text(move.percent) + "% of the traffic";
  const bool is_there = was_done(outcome.phase) ||
                        (outcome.phase == Phase::abandoned && live && live->at > order.at &&
                         has_share(*live, move.candidate, move.percent));
  if (record == nullptr || record != running())
    return tell_unwatched(order, outcome, is_there, now, out);
  // It may be long until the next try: how rules stood before this one says nothing of that.
  if (outcome.phase == Phase::rejected && !record->has_begun() &&
      !may_have_moved(log_, record->status()))
    record->forget_before();
  if (is_there) {
    traffic_.moved();
    begin_step(moving_to_, "it has " + words, now, out);
  } else if (outcome.phase == Phase::superseded || outcome.phase == Phase::conflict) {
    end(RolloutState::superseded, "someone else has acted" + detail, now, out);
  } else if (outcome.phase == Phase::rejected && outcome.intent == recalled_) {
    record->restate("did not give it " + words + detail, now, out);
  } else {
    move_refused_ = "could not give it " + words + " (" + std::string(name_of(outcome.phase)) +
                    ")" + detail + "; resume tries again";
  }
}

std::string Rollout::what_is_left() const {
  if (moving_) return "; this is under way, and people are told how it ends: " + words_of(*moving_);
  const RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  std::optional<double> percent = live_percent();
  if (!percent && status.is_driving && record.has_begun()) percent = record.step().percent;
  if (percent.value_or(0) <= 0) return {};
  return "; it keeps " + decimal_text(*percent) +
         "% of the traffic, and nobody judges it any more: to take it back, give " +
         (status.baseline.empty() ? "another version" : sanitize(status.baseline)) +
         " all of the traffic by hand";
}

void Rollout::tell_unwatched(const Order& order, const ActionOutcome& outcome, bool is_there,
                             Instant now, Step& out) {
  using Phase = ActionOutcome::Phase;
  const std::string candidate = sanitize(order.candidate);
  const std::string baseline = sanitize(order.baseline);
  const std::string words =
      decimal_text(std::get<MoveTraffic>(order.action).percent) + "% of the traffic";
  const RolloutRecord* record = record_of(order.rollout);
  std::string ended = "its rollout is over";
  if (record != nullptr) ended += " (" + std::string(name_of(record->state())) + ")";
  if (record != nullptr && record->state() == RolloutState::aborted)
    ended = "its rollout was aborted";
  const bool is_watched = running() != nullptr && running()->has_begun() &&
                          running()->status().candidate == order.candidate;
  const std::string by_whom =
      is_watched ? ", and another rollout of it began" : ", and nobody watches it";
  const bool may_be_there = is_there || outcome.phase == Phase::abandoned;
  Notice::Kind kind = is_there ? Notice::Kind::acted : Notice::Kind::inconclusive;
  std::string headline = candidate + (is_there ? " has " : " may have ") + words + by_whom;
  if (!may_be_there) {
    kind = Notice::Kind::not_acted;
    headline = candidate + " was not given " + words;
  }
  Teller tell(out, order.service, order.candidate, order.baseline, now, order.rollout);
  Notice& notice = tell.notice(kind, may_be_there && !is_watched, headline + ": " + ended);
  notice.intent = order.intent;
  out.journal.back().intent = order.intent;
  if (!outcome.detail.empty()) notice.details.push_back(sanitize(outcome.detail));
  if (may_be_there)
    notice.details.push_back(
        "to take it back, give " + (baseline.empty() ? "another version" : baseline) +
        " all of the traffic by hand; to have it watched, begin a rollout of " + candidate);
}

}  // namespace belay::rules
