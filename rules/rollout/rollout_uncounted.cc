// What nobody can count for the candidate, though it may be its doing.

#include <algorithm>

#include "base/sanitize.h"
#include "rules/rollout/baseline.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {

void Rollout::add_uncounted(Gate::Verdict& verdict, Instant now) const {
  const PairedEvidence& paired = *service_.evidence.paired;
  if (std::optional<RefusedRequests::Objection> found =
          paired.refused().objection(gate_->candidate(), paired.total_in_step(Role::candidate)))
    Gate::add(verdict, {.unknown = found->kind, .why = std::move(found->why)});
  // Who is told of no traffic looks for it in the wrong place.
  if (verdict.outcome == Outcome::unknown && paired.since_start()[Role::candidate].total == 0)
    for (std::string& line : service_.evidence.useless_logs(now))
      Gate::add(verdict, {.unknown = UnknownKind::error, .why = std::move(line)});
  const double allowed = service_.plan.rollout.limits.error_rate;
  const auto lately = [&](Instant end) {
    return paired.before(end, PairedEvidence::kSecondsMax, Role::candidate).total;
  };
  const auto doubt_as_of = [&](Instant end) {
    const StrayFailures::Counted counted{.in_step = paired.total_in_step(Role::candidate),
                                         .lately = std::max(lately(end), lately(paired.complete())),
                                         .as_of = end};
    std::optional<std::string> doubt =
        paired.strays().doubt(gate_->candidate(), counted, allowed, now);
    return doubt ? doubt : paired.misnamed().doubt(gate_->candidate(), counted, allowed, now);
  };
  std::optional<std::string> doubt = doubt_as_of(now);
  // They may be in another log than the candidate's, which is late.
  if (!doubt && paired.all_complete() < now) doubt = doubt_as_of(paired.all_complete());
  if (doubt) Gate::add(verdict, {.unknown = UnknownKind::blind, .why = *std::move(doubt)});
  // A mistyped baseline: what is worse than the right one must not pass for want of it.
  if (!judgement_ || served_beside(gate_->candidate(), service_).empty()) return;
  if (const std::string unseen = beware_unseen(records_.back().status(), now); !unseen.empty())
    Gate::add(verdict,
              {.unknown = UnknownKind::blind,
               .why = sanitize(gate_->candidate()) + " was compared with nothing; " + unseen});
}

std::optional<std::string> Rollout::doubt_of_presence() const {
  const std::string& candidate = gate_->candidate();
  const std::optional<Instant> seen = service_.last_seen(gate_->binding().unscoped.version);
  if (seen && *seen >= gate_->started()) return std::nullopt;
  const auto is_aimed_at = [&](const auto& probe) {
    return probe.second.by_version.contains(candidate);
  };
  if (std::any_of(service_.evidence.probes.begin(), service_.evidence.probes.end(), is_aimed_at) ||
      live_percent().value_or(0) >= 100)
    return std::nullopt;
  for (const VersionRequests& other : service_.recent_requests())
    if (!other.version.empty() && other.version != candidate)
      return "no request of " + sanitize(candidate) + " was seen in this rollout, while " +
             sanitize(other.version) + " had " + std::to_string(other.requests);
  return std::nullopt;
}

}  // namespace belay::rules
