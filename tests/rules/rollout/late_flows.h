#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "tests/rules/rollout/default_rollout.h"

// Requests that are told minutes after their end, by a log of their own.
namespace belay::rules {

constexpr SourceId kEdge{4};

inline Plan plan_with_edge() {
  Plan plan = plan_by_default();
  plan.sources[0].lateness = 5min;
  plan.sources.push_back(
      {.name = "edge", .kind = SourceKind::log, .service = "shop", .lateness = 5min});
  return plan;
}

/// So many requests a second, told `late` after their end; they fail from `bad` on.
struct Flow {
  Alike alike{};
  Duration late{};
  int per_second = 20;
  SourceId source = EngineRig::kTail;
  std::optional<Duration> bad = std::nullopt;  ///< Since the start of the gate.
  std::uint16_t status = 500;
  Duration from = -1h;   ///< So they come since then,
  Duration until = 24h;  ///< and until then.
};
/// Since the start of the gate: what came in between is told at its end.
struct HeldUp {
  Duration from{};
  Duration until{};
};
/// After a gate that begins 200 s after the first of them.
inline RolloutStatus beside_gate(EngineRig& rig, const std::vector<Flow>& flows, Duration lasts,
                                 const HeldUp& held_up = {}) {
  std::vector<Request> waiting;
  rig.run(20s);
  const Instant start = rig.now() + 200s;
  while (rig.now() < start + lasts + 20s) {
    if (rig.now() == start) rig.push(gate(rig.now(), lasts));
    for (const Flow& flow : flows)
      for (int i = 0; i < flow.per_second; ++i) {
        const Instant at = rig.now() - flow.late;
        if (at < start + flow.from || at >= start + flow.until) continue;
        Alike alike = flow.alike;
        if (flow.bad && at >= start + *flow.bad) alike.status = flow.status;
        waiting.push_back(rig.request(alike, at, flow.source));
      }
    if (rig.now() < start + held_up.from || rig.now() >= start + held_up.until)
      for (const Request& request : std::exchange(waiting, {})) rig.push(request);
    rig.run(1s);
  }
  return rollout(rig);
}
inline RolloutStatus beside_gate(const std::vector<Flow>& flows, Duration lasts = 10min) {
  EngineRig rig(plan_with_edge());
  return beside_gate(rig, flows, lasts);
}
inline bool is_rolled_back(const RolloutStatus& status) {
  return status.state == RolloutState::rolling_back;
}

}  // namespace belay::rules
