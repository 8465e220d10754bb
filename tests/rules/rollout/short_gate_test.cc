// A gate that ends before one of its rules can be fine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;

void start(EngineRig& rig, Duration lasts) {
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = lasts});
}

TEST(ShortGate, BewaresOfARuleThatLooksBackForLongerThanItLasts) {
  const auto told = [](Duration lasts, const char* then,
                       const char* sentence = "p95 latency > 250ms over 5m") {
    EngineRig rig({}, {make_rule("slow", sentence, then)});
    start(rig, lasts);
    rig.run(1s);
    return rig.notices_of(Notice::Kind::rollout_started).at(0).details;
  };
  const auto looks_back = Contains(HasSubstr("looks back"));
  EXPECT_THAT(told(90s, "rollback"),
              Contains("beware: slow looks back 5m, and this lasts 1m30s: it is not known to be "
                       "fine by then, so this cannot pass; watch for 5m"));
  EXPECT_THAT(told(4min, "rollback"), Not(looks_back)) << "four fifths of a window do";
  EXPECT_THAT(told(90s, "alert"), Not(looks_back)) << "it does not count";
  EXPECT_THAT(told(90s, "rollback", "error rate > 5% over 1m and p95 latency > 1s over 5m"),
              Not(looks_back))
      << "it is fine as soon as one of them is";
  EngineRig always({make_rule("slow", "p95 latency > 250ms over 5m", "rollback")}, {});
  start(always, 4min);
  always.run(1s);
  EXPECT_THAT(always.notices_of(Notice::Kind::rollout_started).at(0).details, looks_back)
      << "it must not look back to before the gate";
}

}  // namespace
}  // namespace belay::rules
