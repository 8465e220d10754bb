#include "rules/rollout/action_book.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace belay::rules {
namespace {

constexpr Duration kRemembered = std::chrono::hours{24};
constexpr Duration kCapWindow = std::chrono::hours{1};

Duration whole_seconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration);
}

/// A flag held another value, or it was recalled, or refused for good.
bool changed_nothing(const Remembered::Action& action) {
  return action.phase == ActionOutcome::Phase::conflict ||
         action.phase == ActionOutcome::Phase::rejected;
}

/// Somebody has superseded it, or was first; it may have been done before all the same.
bool was_anothers(const Remembered::Action& action) {
  return action.phase == ActionOutcome::Phase::superseded ||
         action.phase == ActionOutcome::Phase::already;
}

bool has_passed_since(const Remembered::Action& action, const std::string& version,
                      const std::vector<RememberedRollout>& rollouts) {
  return std::ranges::any_of(rollouts, [&](const RememberedRollout& one) {
    return one.state == RolloutState::promoted && one.started.service == action.service &&
           one.started.candidate == version && one.at > action.at;
  });
}

bool puts_back(const Remembered::Action& action, const std::string& version) {
  // One that stood down may have been there before someone else was.
  const bool is_undone = action.phase == ActionOutcome::Phase::rejected ||
                         action.phase == ActionOutcome::Phase::conflict;
  return action.target == version && !is_undone;
}

bool was_any_promoted_since(const Remembered::Action& action,
                            const std::vector<RememberedRollout>& rollouts) {
  return std::ranges::any_of(rollouts, [&](const RememberedRollout& one) {
    return one.state == RolloutState::promoted && one.started.service == action.service &&
           one.at > action.at;
  });
}

}  // namespace

ActionBook::ActionBook(const Remembered& remembered, Instant now)
    : began_(now), actions_(remembered.actions) {
  std::stable_sort(actions_.begin(), actions_.end(),
                   [](const auto& left, const auto& right) { return left.at < right.at; });
  for (const Disarmed& disarmed : remembered.disarmed) disarm(disarmed);
  for (const Remembered::Action& action : actions_) {
    if (action.order && std::holds_alternative<MoveTraffic>(action.order->action))
      moves_.insert(action.intent);
    if (action.at > now) ahead_.insert(action.intent);
    decisions_[action.intent] = action.intent;
    for (const RememberedRollout& rollout : remembered.rollouts) {
      if (std::ranges::find(rollout.intents, action.intent) == rollout.intents.end()) continue;
      decisions_[action.intent] = rollout.started.id;
      if (!action.target.empty()) rollbacks_[rollout.started.id] = action.intent;
    }
  }
  for (Remembered::Action& action : actions_) {
    if (!action.is_open && was_any_promoted_since(action, remembered.rollouts))
      over_.insert(action.intent);
    if (!action.is_open && has_passed_since(action, action.target, remembered.rollouts))
      action.target.clear();
    if (action.expected.empty()) continue;
    if (action.is_open) leaving_[action.intent] = {action.service, action.expected};
    if (action.phase && was_done(*action.phase) &&
        !has_passed_since(action, action.expected, remembered.rollouts))
      rolled_away_.insert({action.service, action.expected});
  }
}

void ActionBook::pass(const std::string& service, const std::string& version) {
  rolled_away_.erase({service, version});
  for (Remembered::Action& action : actions_) {
    if (action.is_open || action.service != service) continue;
    over_.insert(action.intent);
    if (action.target == version) action.target.clear();
  }
}

void ActionBook::see_live(const std::string& service, const std::string& version, Instant at) {
  for (const Remembered::Action& action : actions_) {
    // A report of what it left may be older than what it did.
    const bool is_third = version != action.target && version != action.expected;
    if (!action.is_open && action.service == service && is_third && at > action.at)
      over_.insert(action.intent);
  }
}

void ActionBook::disarm(const Disarmed& disarmed) {
  disarmed_[disarmed.service] = disarmed;  // The newest word counts: it may also shorten.
}

std::optional<std::string> ActionBook::why_disarmed(const std::string& service, Instant now) const {
  const std::optional<Instant> until = disarmed_until(service, now);
  if (!until) return std::nullopt;
  const auto all = disarmed_.find("");
  const bool is_all = all != disarmed_.end() && all->second.until == *until;
  const std::string& by = is_all ? all->second.by : disarmed_.at(service).by;
  return "disarmed until " + format_utc(*until) + (by.empty() ? "" : " by " + by);
}

std::optional<Instant> ActionBook::disarmed_until(const std::string& service, Instant now) const {
  std::optional<Instant> until;
  for (const std::string& of : {std::string(), service})
    if (const auto found = disarmed_.find(of); found != disarmed_.end())
      if (found->second.until > now && (!until || found->second.until > *until))
        until = found->second.until;
  return until;
}

std::optional<std::string> ActionBook::open_intent(const std::string& service) const {
  for (const Remembered::Action& action : actions_)
    if (action.is_open && action.service == service) return action.intent;
  return std::nullopt;
}

std::optional<std::string> ActionBook::service_of_open(const std::string& intent) const {
  for (const Remembered::Action& action : actions_)
    if (action.is_open && action.intent == intent) return action.service;
  return std::nullopt;
}

std::string ActionBook::target_of(const std::string& intent) const {
  for (const Remembered::Action& action : actions_)
    if (action.is_open && action.intent == intent) return action.target;
  return {};
}

bool ActionBook::was_put_back(const std::string& service, const std::string& version) const {
  return std::ranges::any_of(actions_, [&](const Remembered::Action& action) {
    return action.service == service && puts_back(action, version);
  });
}

bool ActionBook::is_put_back(const std::string& service, const std::string& version) const {
  return std::ranges::any_of(actions_, [&](const Remembered::Action& action) {
    return action.service == service && puts_back(action, version) &&
           !over_.contains(action.intent);
  });
}

std::optional<std::string> ActionBook::objection_to(const RollBack& back,
                                                    const Order& order) const {
  const std::string& service = order.service;
  if (const auto done = rollbacks_.find(order.rollout);
      !order.rollout.empty() && done != rollbacks_.end())
    return "this rollout was rolled back already (" + done->second + "): once, and no more";
  if (back.expected.empty()) return "no version is under judgement: there is nothing to roll back";
  if (back.target.empty())
    return "no version to go back to is known: no baseline was given and none was found";
  if (back.target == back.expected)
    return "the version to go back to is the one that failed (" + back.target + ")";
  if (is_put_back(service, back.expected))
    return back.expected + " was put there by a rollback: a rollback is never rolled back";
  if (rolled_away_.contains({service, back.target}))
    return back.target + " was rolled away from before: it is no version to go back to";
  return std::nullopt;
}

std::optional<std::string> ActionBook::objection(const ServicePlan& plan, const Order& order,
                                                 bool is_later_step) const {
  if (std::optional<std::string> disarmed = why_disarmed(order.service, order.at)) return disarmed;
  for (const Remembered::Action& action : actions_) {
    // A first step may wait until the traffic is there: whoever begins it has asked for that.
    const bool is_let_end = !is_later_step && moves_.contains(action.intent);
    if (action.is_open && action.service == order.service && !is_let_end)
      return "another action on this service is still open (" + action.intent + ")";
  }
  if (!is_later_step)
    if (std::optional<std::string> objection = objection_to_rate(plan, order)) return objection;
  if (const auto* back = std::get_if<RollBack>(&order.action)) return objection_to(*back, order);
  return std::nullopt;
}

bool ActionBook::may_be_done(const std::vector<std::string>& intents, Kind kind) const {
  return std::ranges::any_of(actions_, [&](const Remembered::Action& action) {
    const bool is_meant =
        kind == Kind::rollback ? !action.target.empty() : !moves_.contains(action.intent);
    return is_meant && std::ranges::find(intents, action.intent) != intents.end() &&
           (action.is_open || !action.phase || rules::may_be_done(*action.phase) ||
            *action.phase == ActionOutcome::Phase::superseded);
  });
}

Duration ActionBook::age_of(const Remembered::Action& action, Instant now) const {
  // By its own time no brake would end before the clock has caught up.
  return now - (ahead_.contains(action.intent) ? began_ : action.at);
}

std::optional<std::string> ActionBook::objection_to_rate(const ServicePlan& plan,
                                                         const Order& order) const {
  std::map<std::string, Instant> within_hour;  // Decisions, and when each acted last.
  std::optional<std::string> cooldown;
  for (const Remembered::Action& action : actions_) {
    if (action.service != order.service || moves_.contains(action.intent)) continue;
    const std::string& decision = decisions_.at(action.intent);
    // Outside a rollout nothing else keeps a rule that flaps from trying it again and again.
    const bool are_outside = order.rollout.empty() && decision == action.intent;
    if (changed_nothing(action) && !are_outside) continue;
    const Duration ago = age_of(action, order.at);
    // It counts, and nothing waits for it.
    const bool is_anothers = was_anothers(action) && !are_outside;
    if (ago < kCapWindow) {
      Instant& last = within_hour[decision];
      last = std::max(last, order.at - ago);
    }
    if (ago < plan.cooldown && !is_anothers)
      cooldown = "cooldown: the last action was " + format_duration(whole_seconds(ago)) +
                 " ago, and the next may come after " + format_duration(plan.cooldown);
  }
  // The cap ends later.
  if (within_hour.size() < plan.actions_per_hour_max) return cooldown;
  std::vector<Instant> ends;
  for (const auto& [decision, last] : within_hour) ends.push_back(last + kCapWindow);
  std::ranges::sort(ends);
  const std::size_t count = ends.size();
  return "cap: " + std::to_string(count) + (count == 1 ? " action" : " actions") +
         " within the last hour (the rungs of one `on fail` are one), at most " +
         std::to_string(plan.actions_per_hour_max) + " allowed" +
         (plan.actions_per_hour_max == 0
              ? std::string()
              : "; the next may come after " + format_utc(ends[count - plan.actions_per_hour_max]));
}

std::optional<std::string> ActionBook::why_not_yet(const ServicePlan& plan, Instant now) const {
  Order rollback;
  rollback.at = now;
  rollback.service = plan.name;
  rollback.rollout = "the next";
  return objection_to_rate(plan, rollback);
}

void ActionBook::begin(const Order& order, bool is_later_step) {
  std::string decision = order.rollout.empty() ? order.intent : order.rollout;
  if (order.rollout.empty() && is_later_step)
    for (const Remembered::Action& action : actions_)
      if (action.service == order.service && !moves_.contains(action.intent))
        decision = decisions_.at(action.intent);
  add(order);
  decisions_[order.intent] = std::move(decision);
}

void ActionBook::add(const Order& order) {
  const auto* back = std::get_if<RollBack>(&order.action);
  forget_old(order.at);
  actions_.push_back({.at = order.at,
                      .service = order.service,
                      .intent = order.intent,
                      .target = back == nullptr ? std::string() : back->target,
                      .is_open = true,
                      .expected = back == nullptr ? std::string() : back->expected});
  if (back == nullptr) return;
  leaving_[order.intent] = {order.service, back->expected};
  if (!order.rollout.empty()) rollbacks_[order.rollout] = order.intent;
}

void ActionBook::begin_move(const Order& order) {
  add(order);
  moves_.insert(order.intent);
}

bool ActionBook::end(const std::string& intent, ActionOutcome::Phase phase) {
  const auto action = std::find_if(actions_.begin(), actions_.end(), [&](const auto& one) {
    return one.is_open && one.intent == intent;
  });
  if (action == actions_.end()) return false;
  if (moves_.erase(intent) > 0) {
    decisions_.erase(intent);
    actions_.erase(action);
    return true;
  }
  action->is_open = false;
  action->phase = phase;
  const auto left = leaving_.find(intent);
  if (left == leaving_.end()) return true;
  if (was_done(phase)) rolled_away_.insert(left->second);
  leaving_.erase(left);
  return true;
}

void ActionBook::forget_old(Instant now) {
  std::erase_if(actions_, [&](const Remembered::Action& action) {
    const bool is_old = !action.is_open && now - action.at > kRemembered;
    if (is_old) decisions_.erase(action.intent);
    if (is_old) over_.erase(action.intent);
    return is_old;
  });
}

}  // namespace belay::rules
