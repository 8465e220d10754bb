// One action at a time on a service: what an older rollout still does, and what a newer one means
// for that.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {

bool Rollout::has_traffic(const RolloutRecord& record, Instant now) const {
  if (!record.has_begun()) return false;
  const RolloutStatus& status = record.status();
  if (status.is_driving && is_judged(status.state)) return true;
  if (live_ && !live_->versions.empty() && is_live_current(now))
    return share_of(*live_, status.candidate) > 0;
  bool is_named = false;
  for (const VersionRequests& one : service_.recent_requests()) {
    if (one.version == status.candidate) return true;
    is_named = is_named || !one.version.empty();
  }
  // Where nobody says who has the traffic, whoever announced it is believed.
  return !is_named && now - std::max(start_, status.step_started) >= kSettles;
}

const RolloutRecord* Rollout::successor_of(const std::string& rollout, const std::string& candidate,
                                           Instant at, Instant now) const {
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    const RolloutStatus& status = record->status();
    if (status.id != rollout && !record->has_begun()) continue;
    if (record_of(rollout) == nullptr ? status.step_started < at : status.id == rollout)
      return nullptr;
    if (status.candidate != candidate && has_traffic(*record, now)) return &*record;
  }
  return nullptr;
}

void Rollout::make_way(Instant now, Step& out) {
  const Order* order = ladder_.order();
  if (order == nullptr) return;
  const RolloutRecord* successor = successor_of(order->rollout, order->candidate, order->at, now);
  if (successor != nullptr && successor->status().mode == Mode::enforce) {
    ladder_.give_way("another rollout began: " + sanitize(successor->status().candidate), now, out);
    take_turns(now, out);
  } else {
    const bool is_spared = successor != nullptr && successor->status().candidate != order->baseline;
    ladder_.meet(is_spared ? successor->status().candidate : "");
  }
}

std::optional<std::string> Rollout::why_done_already(const RolloutStatus& status) const {
  const Order* order = ladder_.order();
  if (order != nullptr && order->rollout != status.id && !order->rollout.empty() &&
      order->candidate == status.candidate)
    return "what was begun for " + sanitize(status.candidate) + " before goes on (" +
           words_of(*order) + ")";
  return std::nullopt;
}

std::optional<std::string> Rollout::why_waits() const {
  if (moving_) return "traffic is on its way";
  return ladder_.why_busy();
}

bool Rollout::is_waiting(const std::string& rollout) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&rollout](const Ladder::Cause& cause) { return cause.rollout == rollout; });
}

void Rollout::take_up_waiting(Instant now, Step& out) {
  while (!waiting_.empty() && !why_waits()) {
    Ladder::Cause cause = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    const std::string id = cause.rollout;
    RolloutRecord* failed = record_of(id);
    BELAY_CHECK(failed != nullptr, "what waits is remembered");
    const RolloutRecord* successor =
        successor_of(id, cause.candidate, failed->status().started, now);
    if (successor != nullptr && successor->status().mode == Mode::enforce) {
      const std::string why = "another rollout began: " + sanitize(successor->status().candidate);
      Teller(out, service_.plan.name, cause.candidate, cause.baseline, now, id)
          .not_acted(*cause.rule, "did not " + words_of(cause.rungs) + ", although it has failed",
                     why, cause.evidence, "");
      failed->move(RolloutState::superseded, why, now, out);
      continue;
    }
    if (successor != nullptr) cause.newcomer = successor->status().candidate;
    if (const std::optional<std::string> why = climb(*failed, std::move(cause), now, out))
      failed->move(RolloutState::failed, *why, now, out);
  }
}

}  // namespace belay::rules
