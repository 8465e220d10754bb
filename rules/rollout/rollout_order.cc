// One action at a time on a service: what an older rollout still does, and what a newer one means
// for that.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/language/rule_check.h"
#include "rules/rollout/nothing_done.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// How long it is looked for whether an action was done; a restart begins that anew
/// (monitor/attempt.h).
constexpr Duration kGivenUpAfter = std::chrono::minutes{10};
/// Where a rollback that is due has not begun for so long, people are told.
constexpr Duration kWaitsUntold = std::chrono::seconds{30};

std::string words_of(const ActionStatus& action) {
  const std::string target = sanitize(action.target);
  if (action.kind == "rollback") return "the rollback to " + target;
  if (action.kind == "reset_flag") return "the reset of flag " + target;
  if (action.kind == "run") return "the run of " + target;
  return "another action (" + target + ")";
}

/// Of the buckets that have begun since then: what is in the one before may be older.
Duration whole_buckets(Instant since, Instant now) {
  return std::chrono::floor<RequestBucket>(now) - std::chrono::floor<RequestBucket>(since);
}

}  // namespace

bool Rollout::has_traffic(const RolloutRecord& record, Instant now) const {
  const RolloutStatus& status = record.status();
  if (status.is_driving && is_judged(status.state)) return true;
  const std::optional<double> percent = traffic_.percent_of(status.candidate);
  if (percent && is_live_current(now)) return *percent > 0;
  const std::vector<VersionRequests> lately = service_.recent_requests();
  const bool is_named = std::any_of(lately.begin(), lately.end(),
                                    [](const auto& one) { return !one.version.empty(); });
  // Where nobody says who has the traffic, whoever announced it is believed.
  if (!is_named) return now - std::max(start_, status.step_started) >= kSettles;
  std::uint64_t named = 0;
  std::uint64_t own = 0;
  for (const VersionRequests& one :
       service_.recent_requests(whole_buckets(status.started, now), Duration::zero())) {
    if (!one.version.empty()) named += one.requests;
    if (one.version == status.candidate) own = one.requests;
  }
  return is_traffic(own, named);
}

Rollout::Older Rollout::older_of(const RolloutStatus& status) {
  return {.rollout = status.id,
          .candidate = status.candidate,
          .baseline = status.baseline,
          .at = status.started};
}

bool Rollout::has_come_again(const RolloutStatus& status) const {
  const std::optional<Instant> done = ladder_.rolled_back_at();
  if (!done || ladder_.order()->candidate != status.candidate ||
      ladder_.order()->rollout == status.id || status.started < *done)
    return false;
  const std::optional<double> percent = traffic_.percent_of(status.candidate);
  if (rolled_off_seen_ && *rolled_off_seen_ >= *done && percent) return *percent > 0;
  const std::optional<Instant> came =
      service_.came(names_.id(status.candidate), std::chrono::seconds{5});
  return came && *came >= *done;
}

const RolloutRecord* Rollout::successor_of(const Older& older, Instant now) const {
  const bool is_known = record_of(older.rollout) != nullptr;
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    const RolloutStatus& status = record->status();
    if (status.id != older.rollout && !record->has_begun()) continue;
    if (is_known ? status.id == older.rollout : status.step_started < older.at) return nullptr;
    const bool is_another = status.candidate != older.candidate || has_come_again(status);
    const bool is_third = is_another && status.candidate != older.baseline;
    if (is_third && has_traffic(*record, now)) return &*record;
  }
  return nullptr;
}

void Rollout::make_way(Instant now, Step& out) {
  const Order* order = ladder_.order();
  if (order == nullptr) return;
  const RolloutRecord* successor = successor_of({.rollout = order->rollout,
                                                 .candidate = order->candidate,
                                                 .baseline = order->baseline,
                                                 .at = order->at},
                                                now);
  if (successor != nullptr && successor->status().mode == Mode::enforce) {
    const std::string& version = successor->status().candidate;
    ladder_.give_way(version == order->candidate ? sanitize(version) + " was deployed again"
                                                 : "another rollout began: " + sanitize(version),
                     now, out);
    take_turns(now, out);
  } else {
    ladder_.meet(successor != nullptr ? successor->status().candidate : "");
  }
}

std::optional<std::string> Rollout::why_done_already(const RolloutStatus& status) const {
  const Order* order = ladder_.order();
  if (order != nullptr && order->rollout != status.id && !order->rollout.empty() &&
      order->candidate == status.candidate && !ladder_.given_way() && !has_come_again(status)) {
    const std::string candidate = sanitize(status.candidate);
    if (const std::optional<Instant> done = ladder_.rolled_back_at())
      return candidate + " was rolled back at " + format_utc(*done) +
             " already, and nobody saw its traffic go and come again since: one rollback for one "
             "deployment, which is being watched";
    return "what was begun for " + candidate + " before goes on (" + words_of(*order) + ")";
  }
  return std::nullopt;
}

std::optional<std::string> Rollout::why_waits() const {
  if (moving_) return "traffic is on its way";
  const std::optional<std::string> busy = ladder_.why_busy();
  if (!busy) return std::nullopt;
  if (ladder_.is_watching())
    return "whether it helped to " + words_of(*ladder_.order()) + " is watched until " +
           format_utc(ladder_.watching_since() + service_.plan.verify_for) + " (`verify for`)";
  const std::optional<std::string> open = book_.open_intent(service_.plan.name);
  const ActionStatus* action = open ? log_.find(*open) : nullptr;
  if (action == nullptr) return busy;
  return words_of(*action) + " was begun at " + format_utc(action->at) +
         " and has not ended: Belay finds out how it ended, or gives it up, until " +
         format_utc(std::max(action->at, start_) + kGivenUpAfter) + " (action " + action->intent +
         ")";
}

bool Rollout::is_waiting(const std::string& rollout) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&rollout](const Ladder::Cause& cause) { return cause.rollout == rollout; });
}

void Rollout::tell_waiting(Instant now, Step& out) {
  if (!moving_) return;
  // Not how to give the failed version its traffic by hand.
  const std::string answer = log_.unclear(moving_->intent);
  for (Ladder::Cause& cause : waiting_) {
    if (!cause.waits_since) cause.waits_since = now;
    const bool is_long = !answer.empty() || now - *cause.waits_since >= kWaitsUntold;
    if (cause.is_wait_told || !is_long) continue;
    cause.is_wait_told = true;
    std::string why = "nobody knows yet whether it was done to " + words_of(*moving_) +
                      (answer.empty() ? " (no answer yet)" : " (" + sanitize(answer) + ")") +
                      ", and a late move would undo a rollback: that begins once this is known, or "
                      "is given up, until " +
                      format_utc(std::max(moving_->at, start_) + kGivenUpAfter);
    std::string command;
    if (rolls_back(cause.rungs)) {
      why += "; not to wait for it, give " +
             (cause.baseline.empty() ? "another version" : sanitize(cause.baseline)) +
             " all of the traffic by hand";
      if (const RolloutRecord* failed = record_of(cause.rollout))
        command = by_hand(failed->status(), now);
    }
    Teller(out, service_.plan.name, cause.candidate, cause.baseline, now, cause.rollout)
        .not_acted(*cause.rule,
                   "has not begun to " + words_of(cause.rungs) + ": a move of traffic is unclear",
                   why, cause.evidence, "", command);
  }
}

void Rollout::begin_late(RolloutRecord& record, Ladder::Cause cause, Instant now, Step& out) {
  const std::optional<std::string> why = climb(record, std::move(cause), now, out);
  if (!why) return;
  record.move(RolloutState::failed, *why, now, out);
  record.note(std::string(kNothingDone) + *why, now);
  tell_ways_on(record.status(), now, out);
}

void Rollout::take_up_waiting(Instant now, Step& out) {
  tell_waiting(now, out);
  while (!waiting_.empty() && !why_waits()) {
    Ladder::Cause cause = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    const std::string id = cause.rollout;
    RolloutRecord* failed = record_of(id);
    BELAY_CHECK(failed != nullptr, "what waits is remembered");
    const RolloutRecord* successor = successor_of(older_of(failed->status()), now);
    if (successor != nullptr && successor->status().mode == Mode::enforce) {
      const std::string why = "another rollout began: " + sanitize(successor->status().candidate);
      Teller(out, service_.plan.name, cause.candidate, cause.baseline, now, id)
          .not_acted(*cause.rule, "did not " + words_of(cause.rungs) + ", although it has failed",
                     why, cause.evidence, "");
      failed->move(RolloutState::superseded, why, now, out);
      continue;
    }
    if (successor != nullptr) cause.newcomer = successor->status().candidate;
    begin_late(*failed, std::move(cause), now, out);
  }
}

}  // namespace belay::rules
