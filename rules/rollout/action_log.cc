#include "rules/rollout/action_log.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "rules/language/units.h"
#include "rules/rollout/journal_text.h"

namespace belay::rules {
namespace {

constexpr std::size_t kActionsShown = 20;

std::string target_of(const Order& order) {
  if (const auto* back = std::get_if<RollBack>(&order.action)) return back->target;
  if (const auto* reset = std::get_if<ResetFlag>(&order.action)) return reset->flag;
  if (const auto* run = std::get_if<RunCommand>(&order.action)) return run->command;
  const auto& move = std::get<MoveTraffic>(order.action);
  return move.candidate + "@" + decimal_text(move.percent) + "%";
}

/// Empty: it gives no traffic to anybody.
std::vector<Deployment::Share> given_by(const Order& order) {
  if (const auto* back = std::get_if<RollBack>(&order.action)) return {{back->target, 100}};
  const auto* move = std::get_if<MoveTraffic>(&order.action);
  if (move == nullptr) return {};
  std::vector<Deployment::Share> shares = {{move->candidate, move->percent}};
  if (move->percent < 100) shares.push_back({move->baseline, 100 - move->percent});
  return shares;
}

}  // namespace

void ActionLog::add(ActionStatus status) {
  actions_.push_back(std::move(status));
  if (actions_.size() > kActionsShown) actions_.pop_front();
}

void ActionLog::remember(const Remembered::Action& action) {
  if (action.is_open && action.order)
    if (auto shares = given_by(*action.order); !shares.empty())
      giving_[action.intent] = std::move(shares);
  const char* kind = action.target.empty() ? "" : "rollback";
  add({.intent = action.intent,
       .kind = action.order ? kind_of(*action.order) : kind,
       .rule = action.order ? action.order->rule : "",
       .target = action.order ? target_of(*action.order) : action.target,
       .at = action.at,
       .phase = action.phase,
       .verified = std::nullopt});
}

void ActionLog::begin(const Order& order) {
  if (auto shares = given_by(order); !shares.empty()) giving_[order.intent] = std::move(shares);
  add({.intent = order.intent,
       .kind = kind_of(order),
       .rule = order.rule,
       .target = target_of(order),
       .at = order.at,
       .phase = std::nullopt,
       .verified = std::nullopt});
}

ActionStatus* ActionLog::find(const std::string& intent) {
  const auto found = std::find_if(actions_.begin(), actions_.end(),
                                  [&](const ActionStatus& one) { return one.intent == intent; });
  return found == actions_.end() ? nullptr : &*found;
}

const ActionStatus* ActionLog::find(const std::string& intent) const {
  const auto found = std::find_if(actions_.begin(), actions_.end(),
                                  [&](const ActionStatus& one) { return one.intent == intent; });
  return found == actions_.end() ? nullptr : &*found;
}

std::string ActionLog::rule_of(const std::string& intent) const {
  for (const ActionStatus& one : actions_)
    if (one.intent == intent) return one.rule;
  return {};
}

void ActionLog::outcome(const ActionOutcome& outcome) {
  ActionStatus* status = find(outcome.intent);
  if (status != nullptr) status->phase = outcome.phase;
  if (!is_final(outcome.phase)) {
    unclear_[outcome.intent] = outcome.detail.empty() ? "no answer yet" : outcome.detail;
    return;
  }
  unclear_.erase(outcome.intent);
  if (auto given = giving_.extract(outcome.intent); given && was_done(outcome.phase))
    left_ = Deployment{.service = {}, .at = outcome.at, .id = {}, .versions = given.mapped()};
  const std::string kind = status == nullptr || status->kind.empty() ? "action" : status->kind;
  ++totals_[kind + "/" + std::string(name_of(outcome.phase))];
}

std::string ActionLog::unclear(const std::string& intent) const {
  const auto found = unclear_.find(intent);
  return found == unclear_.end() ? std::string() : found->second;
}

void ActionLog::verified(const std::string& intent, Notice::Kind result) {
  if (ActionStatus* status = find(intent)) status->verified = name_of(result);
}

void ActionLog::tell(ServiceStatus& status) const {
  status.actions.assign(actions_.begin(), actions_.end());
  status.actions_total = totals_;
}

}  // namespace belay::rules
