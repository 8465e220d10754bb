#pragma once

#include <cstdint>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {

inline constexpr const char* kId = "11111111-1111-4111-8111-111111111111";

/// "shop", of which the default judgement alone decides the rollouts.
inline Plan plan_by_default() {
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].rollout.is_judged_by_default = true;
  return plan;
}

/// Of v2 over v1.
inline RolloutStarted gate(Instant at, Duration lasts = 2min) {
  return {
      .at = at, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = lasts, .id = kId};
}

/// One request in five is v2's.
inline void traffic(EngineRig& rig, std::uint16_t of_candidate, std::uint16_t of_baseline = 200) {
  rig.stream("v1", 40, {.version = "v1", .status = of_baseline});
  rig.stream("v2", 10, {.version = "v2", .route = "/buy", .status = of_candidate});
}

inline RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

}  // namespace belay::rules
