// What a person can do where Belay does not put the baseline back itself.

#include <algorithm>
#include <string_view>

#include "base/sanitize.h"
#include "base/shell_quoted.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// ServicePlan::put_back, for a shell.
std::string put_back(std::string command, const std::string& version) {
  constexpr std::string_view kPlace = "{version}";
  if (const std::size_t at = command.find(kPlace); at != std::string::npos)
    command.replace(at, kPlace.size(), shell_quoted(sanitize(version)));
  return command;
}

/// Of a further rollout of the same versions.
Order rollback_after(const RolloutStatus& status, Instant now) {
  Order order;
  order.at = now;
  order.service = status.service;
  order.action = RollBack{.target = status.baseline, .expected = status.candidate};
  order.rollout = "the next";
  return order;
}

/// A rollout of a third version has begun since.
bool has_newer(const std::deque<RolloutRecord>& records, const RolloutStatus& status) {
  const auto is_it = [&status](const RolloutRecord& one) { return one.status().id == status.id; };
  const auto is_third = [&status](const RolloutRecord& one) {
    const std::string& candidate = one.status().candidate;
    return one.has_begun() && candidate != status.candidate && candidate != status.baseline;
  };
  return std::any_of(std::ranges::find_if(records, is_it), records.end(), is_third);
}

}  // namespace

std::string Rollout::by_hand(const RolloutStatus& status, Instant now) const {
  if (service_.plan.put_back.empty() || !left_over_.empty() || status.is_irreversible) return {};
  const Order order = rollback_after(status, now);
  if (book_.objection_to(std::get<RollBack>(order.action), order) ||
      book_.may_be_done(status.intents, ActionBook::Kind::rollback))
    return {};
  // Before the first reading of a life nobody knows who has traffic: a fix may be among them.
  const bool is_known = traffic_.reading() && is_live_current(now);
  if (is_known ? successor_of(older_of(status), now) != nullptr : has_newer(records_, status))
    return {};
  if (const RolloutRecord* record = record_of(status.id);
      record != nullptr && is_gone(*record, now))
    return {};
  const bool is_seen = is_known && traffic_.percent_of(status.candidate).value_or(0) > 0;
  return put_back(service_.plan.put_back, status.baseline) +
         (is_seen ? "" : " # if " + sanitize(status.candidate) + " is still live");
}

std::optional<std::string> Rollout::why_no_rollback(const RolloutStatus& status,
                                                    Instant now) const {
  if (std::optional<std::string> lower = why_below_enforce(service_.plan.mode, "acts"))
    return lower;
  return book_.objection(service_.plan, rollback_after(status, now), false);
}

}  // namespace belay::rules
