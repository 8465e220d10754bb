// A service that was bad before the rollout came, under the default judgement, which has no
// baseline beside the candidate to ask.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

Plan plan_of() {
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].rollout.is_judged_by_default = true;
  return plan;
}

RolloutStarted gate(Instant at) {
  return {.at = at, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 30min};
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

TEST(DefaultBefore, NobodyIsBlamedForWhatWasAsBadBeforeItCame) {
  struct Rate {
    int before;  ///< Bad ones of ten requests.
    int since;
    bool acts;
  };
  const auto serve = [](EngineRig& rig, const std::string& version, int all, int bad) {
    rig.stream(version + " bad", bad, {.version = version, .status = 500});
    rig.stream(version + " good", all - bad, {.version = version});
  };
  for (const Rate& rate : {Rate{2, 1, false}, Rate{2, 2, false}, Rate{6, 6, false},
                           Rate{1, 4, true}, Rate{0, 1, true}}) {
    SCOPED_TRACE(std::to_string(rate.before) + " then " + std::to_string(rate.since));
    EngineRig rig(plan_of());
    serve(rig, "v1", 10, rate.before);
    rig.run(1min);
    serve(rig, "v1", 0, 0);
    serve(rig, "v2", 10, rate.since);
    rig.push(gate(rig.now()));
    rig.run(150s);
    EXPECT_EQ(rig.orders.size(), rate.acts ? 1U : 0U) << rollout(rig).why;
    if (rate.acts) continue;
    EXPECT_THAT(rollout(rig).why, HasSubstr("% errors before"));
    EXPECT_THAT(rig.notices_of(Notice::Kind::rollout_started)[0].details,
                testing::Contains(HasSubstr("the service is bad already")));
    for (const Duration fine : {Duration{45s}, Duration{6min}}) {
      serve(rig, "v2", 10, 0);
      rig.run(fine);
      serve(rig, "v2", 10, rate.since);
      rig.run(2min);
      EXPECT_EQ(rig.orders.size(), fine == 6min ? 1U : 0U) << "fine for long, and not by luck";
    }
  }
}

TEST(DefaultBefore, AnOutageThatHasJustBegunIsOneOfTheBaseline) {
  EngineRig rig(plan_of());
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(3min);
  rig.stream("v1", 20, {.version = "v1", .status = 500});
  rig.run(25s);
  rig.stream("v1", 0);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.push(gate(rig.now()));
  rig.run(3min);
  EXPECT_TRUE(rig.orders.empty());
}

TEST(DefaultBefore, MinutesOfWhichNobodyKnowsAreNoSignThatItIsFine) {
  EngineRig rig(plan_of());
  const auto serve = [&rig](const std::string& version, int all, int bad) {
    rig.stream(version + " bad", bad, {.version = version, .status = 500});
    rig.stream(version + " good", all - bad, {.version = version});
  };
  serve("v1", 10, 2);
  rig.run(1min);
  serve("v1", 0, 0);
  serve("v2", 10, 2);
  rig.push(gate(rig.now()));
  rig.run(2min);
  serve("v2", 0, 0);
  rig.run(6min);
  serve("v2", 10, 0);
  rig.run(35s);
  serve("v2", 10, 2);
  rig.run(3min);
  EXPECT_TRUE(rig.orders.empty()) << "one fine window is luck";
  EXPECT_THAT(rollout(rig).why, HasSubstr("% errors before"));
}

TEST(DefaultBefore, ThatItCountsAgainIsInTheJournal) {
  EngineRig rig(plan_of());
  rig.stream("bad", 2, {.version = "v1", .status = 500});
  rig.stream("good", 8, {.version = "v1"});
  rig.run(1min);
  rig.stream("bad", 0);
  rig.stream("good", 10, {.version = "v2"});
  rig.push(gate(rig.now()));
  rig.run(2min);
  const auto last_before = [&rig] {
    for (auto entry = rig.journal.rbegin(); entry != rig.journal.rend(); ++entry)
      if (entry->kind == JournalEntry::Kind::rollout_moved) return entry->text;
    return std::string();
  };
  const std::string errors = "\"rule\":\"default/errors\",\"sentence\":\"";
  ASSERT_THAT(last_before(), HasSubstr(errors));
  ASSERT_THAT(last_before(), HasSubstr("\"truth\":\"bad\""));
  rig.run(4min);
  EXPECT_THAT(last_before(), testing::Not(HasSubstr("\"truth\":\"bad\"")));
  EXPECT_THAT(last_before(), HasSubstr(errors));
  EXPECT_EQ(rollout(rig).timeline.back().what,
            "default/errors counts again: it was bad before, and has been fine or got worse");
}

TEST(DefaultBefore, NorAreThoseOfAVersionThatIsNotTheBaseline) {
  EngineRig rig(plan_of());
  const auto serve = [&rig](const char* version, std::uint16_t status) {
    for (const char* one : {"v1", "v2", "v3"}) rig.stream(one, 0);
    rig.stream(version, 20, {.version = version, .status = status});
  };
  serve("v1", 200);
  rig.run(3min);
  serve("v3", 500);
  rig.run(150s);
  serve("v2", 500);
  rig.run(2s);
  rig.push(gate(rig.now()));
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

/// Orders, after v1 and then a v3 for so long, which v2 replaces; so many of ten requests fail.
struct Fix {
  int of_v1 = 0;
  int of_v3 = 0;
  int of_v2 = 0;
  Duration v3_lasts{};
};
std::size_t orders_after(const Fix& fix) {
  EngineRig rig(plan_of());
  const auto serve = [&rig](const std::string& version, int bad) {
    for (const char* one : {"v1", "v2", "v3"})
      for (const char* kind : {" good", " bad"}) rig.stream(std::string(one) + kind, 0);
    rig.stream(version + " bad", 2 * bad, {.version = version, .status = 500});
    rig.stream(version + " good", 20 - 2 * bad, {.version = version});
  };
  serve("v1", fix.of_v1);
  rig.run(3min);
  serve("v3", fix.of_v3);
  rig.run(fix.v3_lasts);
  serve("v2", fix.of_v2);
  rig.run(1s);
  rig.push(gate(rig.now()));
  rig.run(3min);
  return rig.orders.size();
}

TEST(DefaultBefore, AFixThatFailsAfterAVersionThatFailedIsRolledBack) {
  for (const Duration lasts : {Duration{10s}, Duration{20s}, Duration{28s}, Duration{50s}}) {
    EXPECT_EQ(orders_after({.of_v3 = 6, .of_v2 = 6, .v3_lasts = lasts}), 1U) << lasts / 1s;
    EXPECT_EQ(orders_after({.of_v3 = 3, .of_v2 = 3, .v3_lasts = lasts}), 1U) << lasts / 1s;
    EXPECT_EQ(orders_after({.of_v3 = 9, .of_v2 = 3, .v3_lasts = lasts}), 1U) << lasts / 1s;
    EXPECT_EQ(orders_after({.of_v3 = 6, .of_v2 = 0, .v3_lasts = lasts}), 0U) << lasts / 1s;
    EXPECT_EQ(orders_after({.of_v1 = 2, .of_v3 = 6, .of_v2 = 3, .v3_lasts = lasts}), 0U)
        << "as bad as the baseline was, " << lasts / 1s;
  }
}

TEST(DefaultBefore, ItsOwnErrorsAreNoneOfBefore) {
  EngineRig rig(plan_of());
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(15s);  // Belay itself has just started.
  rig.push(gate(rig.now()));
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

}  // namespace
}  // namespace belay::rules
