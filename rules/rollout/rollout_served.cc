// How the version that was promoted last serves, once nothing rolls out.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "rules/rollout/is_one_of.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// What "now" means of who has the traffic.
constexpr Duration kNow = std::chrono::seconds{20};
constexpr double kAllPercent = 99.5;

bool convicts(const JudgedRule& rule) {
  return counts_for_verdict(rule.rule()) && rule.rule().then.kind != Then::Kind::pause;
}

bool convicts_always(const JudgedRule& rule) { return rule.rule().severity == Severity::critical; }

}  // namespace

std::string Rollout::served_badly(const JudgedRule& rule, Instant now) const {
  const std::string served = versions_.promoted_last();
  if (running() != nullptr || served.empty()) return {};
  const bool is_always = is_one_of(service_.always, rule);
  const bool is_of_watch = gate_ && gate_->candidate() == served && !is_always;
  if (is_always ? !convicts_always(rule)
                : !is_of_watch || (!is_one_of(watching_, rule) && !convicts(rule)))
    return {};
  // It names the version itself.
  if (is_of_watch && !may_lack_versions(rule.rule().sentence.when)) return served;
  return served_alone(now) ? served : std::string();
}

bool Rollout::served_alone(Instant now) const {
  const std::string served = versions_.promoted_last();
  if (served.empty()) return false;
  const std::optional<double> percent = traffic_.percent_of(served);
  if (percent && is_live_current(now)) return *percent >= kAllPercent;
  std::uint64_t all = 0;
  std::uint64_t own = 0;
  for (const VersionRequests& one : service_.recent_requests(kNow, Duration::zero())) {
    if (!one.version.empty()) all += one.requests;
    if (one.version == served) own = one.requests;
  }
  if (is_traffic(all - own, all)) return false;
  // Nothing comes now: who had it last?
  const std::vector<TrafficSlice> since = traffic_since(service_, versions_.promoted_at(), now);
  return replacement_of(served, since, [](const std::string&) { return true; }).empty();
}

std::vector<const JudgedRule*> Rollout::rules_of_served() const {
  std::vector<const JudgedRule*> rules;
  for (const JudgedRule& rule : service_.always)
    if (convicts_always(rule)) rules.push_back(&rule);
  for (const JudgedRule& rule : watching_) rules.push_back(&rule);
  if (gate_)
    for (const JudgedRule& rule : gate_->rules())
      // Nothing else runs that it could be compared with.
      if (convicts(rule) && !mentions_baseline(rule.rule().sentence.when)) rules.push_back(&rule);
  return rules;
}

Truth Rollout::truth_of_served() const {
  const std::vector<const JudgedRule*> rules = rules_of_served();
  const auto is_any = [&rules](Truth truth) {
    return std::ranges::any_of(
        rules, [truth](const JudgedRule* rule) { return rule->status().truth == truth; });
  };
  if (std::ranges::any_of(rules, &JudgedRule::is_firing) || is_any(Truth::bad)) return Truth::bad;
  return !rules.empty() && !is_any(Truth::unknown) ? Truth::fine : Truth::unknown;
}

Teller Rollout::teller_of(const std::string& served, Instant now, Step& out) const {
  if (!served.empty())
    for (auto record = records_.rbegin(); record != records_.rend(); ++record)
      if (record->state() == RolloutState::promoted && record->status().candidate == served)
        return {out, service_.plan.name, "", "", now, record->status().id};
  return teller(now, out);
}

}  // namespace belay::rules
