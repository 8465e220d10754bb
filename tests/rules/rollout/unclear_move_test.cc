// A version fails while nobody knows whether its traffic was moved.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Phase = ActionOutcome::Phase;

class UnclearMove : public testing::Test {
 protected:
  static Plan plan_of() {
    Plan plan = EngineRig::plan_of(
        {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
    plan.services[0].verify_for = 20s;
    return plan;
  }
  /// v2 has 10%, and its next move is on its way.
  void SetUp() override {
    rig_.stream("v1", 20, {.version = "v1"});
    rig_.run(15s);
    rig_.push(RolloutStarted{.at = rig_.now(),
                             .service = "shop",
                             .candidate = "v2",
                             .baseline = "v1",
                             .id = "11111111-1111-4111-8111-111111111111",
                             .steps = *parse_steps("10% for 20s max 60s, 100%"),
                             .is_driving = true});
    rig_.run(2s);
    answer(Phase::applied, "");
    rig_.run(1s);
    rig_.stream("v2", 20, {.version = "v2"});
    rig_.run(22s);
    ASSERT_THAT(rig_.orders, SizeIs(2));
  }
  void answer(Phase phase, const std::string& detail, const std::string& by_hand = "") {
    rig_.push(ActionOutcome{.at = rig_.now(),
                            .intent = rig_.orders.back().intent,
                            .phase = phase,
                            .detail = detail,
                            .by_hand = by_hand});
    rig_.run(250ms);
  }
  void fail() {
    rig_.stream("v2", 20, {.version = "v2", .status = 500});
    rig_.run(12s);
    ASSERT_EQ(rig_.service().rollout->state, RolloutState::rolling_back);
  }
  [[nodiscard]] std::vector<Notice> told() {
    std::vector<Notice> found;
    for (const Notice& notice : rig_.notices_of(Notice::Kind::not_acted))
      if (notice.headline == "shop: has not begun to roll back: a move of traffic is unclear")
        found.push_back(notice);
    return found;
  }

  EngineRig rig_{plan_of()};
};

TEST_F(UnclearMove, PagesOnceItIsSaidToBeUnclearThatTheRollbackHasNotBegun) {
  fail();
  EXPECT_THAT(told(), SizeIs(0));
  answer(Phase::unknown, "no answer; it may have been carried out", "wrangler deploy v2");
  ASSERT_THAT(told(), SizeIs(1));
  EXPECT_TRUE(told()[0].page);
  EXPECT_THAT(told()[0].details,
              Contains(AllOf(HasSubstr("to move 100% of the traffic to v2 (no answer; it may have "
                                       "been carried out), and a late move would undo a rollback"),
                             HasSubstr("not to wait for it, give v1 all of the traffic by hand"),
                             Not(HasSubstr("wrangler")))));
  rig_.run(2min);
  EXPECT_THAT(told(), SizeIs(1)) << "once";
  EXPECT_THAT(rig_.orders, SizeIs(2));
  answer(Phase::abandoned, "");
  ASSERT_THAT(rig_.orders, SizeIs(3));
  EXPECT_TRUE(std::holds_alternative<RollBack>(rig_.orders[2].action));
}

TEST_F(UnclearMove, PagesAtOnceWhereItWasSaidBefore) {
  answer(Phase::unknown, "no answer");
  EXPECT_THAT(told(), SizeIs(0)) << "nothing has failed";
  fail();
  EXPECT_THAT(told(), SizeIs(1));
}

TEST_F(UnclearMove, PagesAfterHalfAMinuteWhereNothingIsSaid) {
  fail();
  rig_.run(15s);
  EXPECT_THAT(told(), SizeIs(0));
  rig_.run(15s);
  ASSERT_THAT(told(), SizeIs(1));
  EXPECT_THAT(told()[0].details, Contains(HasSubstr("(no answer yet)")));
}

TEST_F(UnclearMove, IsNoPageWhereTheMoveEndsInTime) {
  fail();
  answer(Phase::applied, "");
  ASSERT_THAT(rig_.orders, SizeIs(3));
  answer(Phase::unknown, "no answer");
  rig_.run(1min);
  EXPECT_THAT(told(), SizeIs(0)) << "the rollback itself is under way";
}

}  // namespace
}  // namespace belay::rules
