#pragma once

#include <string>
#include <utility>
#include <variant>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {

/// A rollout of "shop" over "v1", of an earlier life, that ended at `at`, or was left so.
inline RememberedRollout rollout_of(const char* candidate, RolloutState state, Outcome verdict,
                                    Instant at) {
  RememberedRollout rollout;
  rollout.started = {.at = at - 1min,
                     .service = "shop",
                     .candidate = candidate,
                     .baseline = "v1",
                     .id = std::string("of ") + candidate,
                     .steps = *parse_steps("100% for 5m")};
  rollout.at = at;
  rollout.state = state;
  rollout.verdict = verdict;
  rollout.rule = "errors";
  return rollout;
}

/// An order "old" of such a rollout of v2, for what its rule "errors" found.
inline Order left_order(std::variant<RollBack, ResetFlag, RunCommand, MoveTraffic> action,
                        const char* rollout) {
  return {.intent = "old",
          .at = EngineRig::kStart - 10s,
          .service = "shop",
          .action = std::move(action),
          .rule = "errors",
          .evidence = {},
          .reason = "errors: 100%",
          .candidate = "v2",
          .baseline = "v1",
          .rollout = rollout};
}

}  // namespace belay::rules
