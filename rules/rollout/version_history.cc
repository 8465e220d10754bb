#include "rules/rollout/version_history.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"
#include "rules/rollout/train.h"

namespace belay::rules {
namespace {

constexpr Duration kHeldAgainst = std::chrono::hours{24};
constexpr std::size_t kGoodsMax = 16;

using Happening = std::pair<Instant, std::function<void(VersionHistory&)>>;

bool is_done(const Remembered::Action& action) {
  return !action.target.empty() && action.phase && was_done(*action.phase);
}

/// The action that a rollout ended with; null if the journal has forgotten it.
const Remembered::Action* last_action(const Remembered& remembered,
                                      const RememberedRollout& rollout) {
  if (rollout.intents.empty()) return nullptr;
  const auto found = std::find_if(
      remembered.actions.begin(), remembered.actions.end(),
      [&](const Remembered::Action& one) { return one.intent == rollout.intents.back(); });
  return found == remembered.actions.end() ? nullptr : &*found;
}

/// What its last move says, as happenings of this life would.
void add(const Remembered& remembered, const RememberedRollout& rollout,
         std::vector<Happening>& happenings) {
  const std::string& candidate = rollout.started.candidate;
  const std::string& baseline = rollout.started.baseline;
  const Instant at = rollout.at;
  if (rollout.state == RolloutState::promoted) {
    happenings.emplace_back(at, [=](VersionHistory& known) { known.promoted(candidate, at); });
    if (const std::optional<Instant> bad = rollout.failing_since)
      happenings.emplace_back(*bad,
                              [=](VersionHistory& known) { known.served_badly(candidate, *bad); });
  }
  // Its train failed, which says nothing about the version.
  if (rollout.rule == kTrainRule) return;
  const Remembered::Action* action = last_action(remembered, rollout);
  if (rollout.verdict == Outcome::fail) {
    const Instant failed = rollout.failing_since.value_or(action == nullptr ? at : action->at);
    happenings.emplace_back(failed,
                            [=](VersionHistory& known) { known.failed(candidate, failed); });
  } else if (rollout.failing_since && is_final(rollout.state) &&
             rollout.state != RolloutState::promoted) {
    happenings.emplace_back(at, [=](VersionHistory& known) { known.left_bad(candidate, at); });
  }
  if (rollout.state == RolloutState::recovered && action != nullptr && is_done(*action))
    happenings.emplace_back(at, [=](VersionHistory& known) { known.recovered(baseline, at); });
}

}  // namespace

VersionHistory::VersionHistory(const Remembered& remembered, const std::string& service) {
  if (const auto good = remembered.last_good.find(service); good != remembered.last_good.end())
    add({.version = good->second});
  std::vector<Happening> happenings;
  for (const RememberedRollout& rollout : remembered.rollouts)
    if (rollout.started.service == service) rules::add(remembered, rollout, happenings);
  for (const Remembered::Action& action : remembered.actions)
    if (action.service == service && is_done(action))
      happenings.emplace_back(action.at, [&action](VersionHistory& known) {
        known.put_back(action.target, action.at);
      });
  std::stable_sort(happenings.begin(), happenings.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  for (const auto& [at, tell] : happenings) tell(*this);
}

void VersionHistory::promoted(const std::string& version, Instant at) {
  failures_.erase(version);
  add({.version = version, .at = at});
}

void VersionHistory::failed(const std::string& version, Instant at) {
  hold_against(version, {.at = at, .was_judged = true});
}

void VersionHistory::left_bad(const std::string& version, Instant at) {
  hold_against(version, {.at = at, .was_judged = false});
}

void VersionHistory::served_badly(const std::string& version, Instant at) {
  hold_against(version, {.at = at, .was_promoted = true});
}

void VersionHistory::look(Truth truth, bool has_traffic, Instant now) {
  const auto found = failures_.find(promoted_last());
  if (found == failures_.end() || !found->second.was_promoted) return;
  Failure& failure = found->second;
  // Whatever is fine then is another version's doing.
  if (!has_traffic || truth == Truth::bad) failure.fine_since.reset();
  if (!has_traffic || truth == Truth::unknown) return;
  if (truth == Truth::bad) {
    failure.at = now;
  } else if (now - failure.fine_since.value_or(now) >= kFineAgain) {
    failures_.erase(found);
  } else if (!failure.fine_since) {
    failure.fine_since = now;
  }
}

std::string VersionHistory::promoted_last() const {
  return goods_.empty() || goods_.back().was_put_back ? std::string() : goods_.back().version;
}

Instant VersionHistory::promoted_at() const {
  return promoted_last().empty() ? Instant{} : goods_.back().at;
}

bool VersionHistory::is_suspect() const {
  const auto found = failures_.find(promoted_last());
  return found != failures_.end() && found->second.was_promoted;
}

void VersionHistory::put_back(const std::string& version, Instant at) {
  add({.version = version, .at = at, .was_put_back = true});
}

void VersionHistory::recovered(const std::string& version, Instant at) {
  failures_.erase(version);
  put_back(version, at);
}

void VersionHistory::see_traffic_given(const std::string& version) {
  const auto good = std::ranges::find(goods_, version, &Good::version);
  if (good != goods_.end()) good->was_given_traffic = true;
}

void VersionHistory::withdraw(const std::string& version) {
  std::erase_if(goods_, [&](const Good& one) { return one.version == version; });
}

std::optional<std::string> VersionHistory::failure_of(const std::string& version,
                                                      Instant now) const {
  const auto found = failures_.find(version);
  if (found == failures_.end() || now - found->second.at > kHeldAgainst) return std::nullopt;
  const std::string at = " at " + format_utc(found->second.at);
  return sanitize(version) + (found->second.was_judged ? " failed" + at : " was bad" + at);
}

std::optional<Instant> VersionHistory::held_until(const std::string& version) const {
  const auto found = failures_.find(version);
  return found == failures_.end() ? std::nullopt : std::optional(found->second.at + kHeldAgainst);
}

std::optional<VersionHistory::Good> VersionHistory::last_good(
    Instant now, const std::function<bool(const Good&)>& may_be) const {
  for (auto good = goods_.rbegin(); good != goods_.rend(); ++good)
    if (!failure_of(good->version, now) && (!may_be || may_be(*good))) return *good;
  return std::nullopt;
}

bool VersionHistory::was_good(const std::string& version, Instant now) const {
  return last_good(now, [&](const Good& good) { return good.version == version; }).has_value();
}

void VersionHistory::add(Good good) {
  if (good.version.empty()) return;
  withdraw(good.version);
  goods_.push_back(std::move(good));
  if (goods_.size() > kGoodsMax) goods_.erase(goods_.begin());
}

void VersionHistory::hold_against(const std::string& version, Failure failure) {
  failures_[version] = failure;
  std::erase_if(failures_,
                [&](const auto& one) { return failure.at - one.second.at > kHeldAgainst; });
}

}  // namespace belay::rules
