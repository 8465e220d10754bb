// A baseline that has kept a small share of the traffic, beside which health checks, which come as
// often to each version, are many.

#include <string>

#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

/// After ten good minutes, of one gate.
struct Outage {
  bool of_v1 = false;
  bool of_v2 = false;
  const char* route = "/buy";  ///< Of what v2 fails.
  bool checks_fail = false;    ///< v2's.
};
std::size_t orders_in(const Outage& outage, int checks) {
  EngineRig rig(plan_by_default());
  rig.push(gate(rig.now(), 30min));
  for (int second = 0; second < 800; ++second) {
    const bool is_out = second >= 600;
    const auto push = [&](const char* version, const char* route, int requests, bool fails) {
      for (int i = 0; i < requests; ++i)
        rig.push(rig.request({.version = version,
                              .route = route,
                              .status = static_cast<std::uint16_t>(fails ? 500 : 200)},
                             rig.now() + 10ms * i));
    };
    const bool fails_new = is_out && outage.of_v2 && std::string(outage.route) != "/buy";
    push("v1", "/buy", 1, is_out && outage.of_v1);
    push("v2", "/buy", fails_new ? 5 : 19, is_out && outage.of_v2 && !fails_new);
    if (fails_new) push("v2", outage.route, 14, true);
    push("v1", "/healthz", checks, false);
    push("v2", "/healthz", checks, is_out && outage.checks_fail);
    rig.run(1s);
  }
  return rig.orders.size();
}

TEST(HeldBack, AnOutageOfBothIsSharedHoweverManyChecksThereAre) {
  for (const int checks : {0, 1, 3})
    EXPECT_EQ(orders_in({.of_v1 = true, .of_v2 = true}, checks), 0U) << checks;
}

TEST(HeldBack, WhatOnlyTheCandidateFailsIsItsOwn) {
  for (const int checks : {0, 1, 3}) {
    EXPECT_EQ(orders_in({.of_v2 = true}, checks), 1U) << checks;
    EXPECT_EQ(orders_in({.of_v2 = true, .route = "/new"}, checks), 1U) << checks;
  }
  EXPECT_EQ(orders_in({.of_v2 = true, .checks_fail = true}, 3), 1U);
}

}  // namespace
}  // namespace belay::rules
