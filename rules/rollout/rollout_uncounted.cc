// What nobody can count for the candidate, though it may be its doing.

#include <algorithm>

#include "base/sanitize.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {

void Rollout::add_uncounted(Gate::Verdict& verdict, Instant now) const {
  const PairedEvidence& paired = *service_.evidence.paired;
  if (std::optional<RefusedRequests::Objection> found =
          paired.refused().objection(gate_->candidate(), paired.total_in_step(Role::candidate)))
    Gate::add(verdict, {.unknown = found->kind, .why = std::move(found->why)});
  const StrayFailures::Counted counted{
      .in_step = paired.total_in_step(Role::candidate),
      .lately = paired.last(PairedEvidence::kSecondsMax, Role::candidate).total,
      .as_of = paired.complete()};
  const double allowed = service_.plan.rollout.limits.error_rate;
  for (std::optional<std::string> doubt :
       {paired.strays().doubt(gate_->candidate(), counted, allowed, now),
        paired.misnamed().doubt(gate_->candidate(), counted, allowed, now)})
    if (doubt) Gate::add(verdict, {.unknown = UnknownKind::blind, .why = *std::move(doubt)});
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
