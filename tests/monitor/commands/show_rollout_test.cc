#include "monitor/commands/show_rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string shown(const json& rollout) { return text_of_rollout(rollout, Style(false)); }

json baking() {
  return {{"id", "r1"},
          {"service", "shop"},
          {"state", "baking"},
          {"step", 1},
          {"step_count", 3},
          {"step_started_ms", 1'795'658'861'000},
          {"ends_ms", 1'795'658'891'000},
          {"driving", true}};
}

TEST(ShowRolloutTest, SaysWhichStepItIsInAndUntilWhenAndWhoMovesTheTraffic) {
  EXPECT_THAT(shown(baking()),
              HasSubstr("  step       2 of 3, since 2026-11-26T02:07:41.000Z, until "
                        "2026-11-26T02:08:11.000Z or later\n"));
  EXPECT_THAT(shown(baking()), HasSubstr("  traffic    moved by Belay\n"));
  json followed = baking();
  followed.erase("driving");
  EXPECT_THAT(shown(followed), HasSubstr("  traffic    followed: somebody else moves it\n"));
}

TEST(ShowRolloutTest, ADisarmIsShownWhereNoRolloutShowsIt) {
  EXPECT_EQ(text_of_disarmed({{"disarmed", json::array()}}), "");
  EXPECT_EQ(
      text_of_disarmed({{"disarmed", {{{"service", "shop"}, {"until_ms", 1'795'658'891'000}}}}}),
      "shop is disarmed until 2026-11-26T02:08:11.000Z: no action will be taken\n");
}

TEST(ShowRolloutTest, ADisarmThatStandsIsShown) {
  EXPECT_THAT(shown(baking()), Not(HasSubstr("disarmed")));
  json disarmed = baking();
  disarmed["disarmed_until_ms"] = 1'795'658'891'000;
  EXPECT_THAT(shown(disarmed), HasSubstr("  disarmed   until 2026-11-26T02:08:11.000Z: no action "
                                         "will be taken\n"));
}

TEST(ShowRolloutTest, AHoldThatWaitsForAPersonSaysWhatToType) {
  json held = baking();
  held["state"] = "held";
  held["held"] = "approval";
  EXPECT_THAT(shown(held), HasSubstr("  next       belay rollout approve r1\n"));
  held["held"] = "paused";
  EXPECT_THAT(shown(held), HasSubstr("  next       belay rollout resume r1\n"));
  held["held"] = "preflight";
  EXPECT_THAT(shown(held),
              HasSubstr("  next       mend that, or go on without: belay rollout approve r1\n"));
  held["held"] = "shared_cause";
  EXPECT_THAT(shown(held), Not(HasSubstr("next")));
}

TEST(ShowRolloutTest, ARollbackKeepsItsCauseBesideWhatCameOfIt) {
  json over = baking();
  over["state"] = "recovered";
  over["why"] = "errors is fine";
  over["timeline"] = {{{"state", "baking"}, {"what", "watching"}},
                      {{"state", "rolling_back"}, {"what", "errors: 34% > 5%"}},
                      {{"state", "recovered"}, {"what", "errors is fine"}}};
  EXPECT_EQ(cause_of(over), "errors: 34% > 5%");
  EXPECT_THAT(shown(over),
              HasSubstr("  because    errors: 34% > 5%\n  why        errors is fine\n"));
  EXPECT_EQ(cause_of(baking()), "");
}

TEST(ShowRolloutTest, AfterARestartTheCauseIsTheRuleThatFailedIt) {
  json over = baking();
  over["state"] = "recovered";
  over["verdict"] = "fail";
  over["failed_by"] = "comparison";
  over["timeline"] = {{{"state", "recovered"}, {"what", "remembered: recovered"}}};
  EXPECT_EQ(cause_of(over), "comparison fired");
  over["failed_by"] = "by hand";
  EXPECT_EQ(cause_of(over), "rolled back by hand");
  over["state"] = "failed";
  EXPECT_EQ(cause_of(over), "") << "its `why` says it";
}

TEST(ShowRolloutTest, OfAFailThatWasLeftAsItIsItSaysSoAndWhy) {
  json failed = baking();
  failed["state"] = "failed";
  failed["mode"] = "enforce";
  EXPECT_THAT(shown(failed), HasSubstr("  done       nothing: `belay report r1` says why\n"));
  EXPECT_EQ(why_nothing_was_done(failed), "");
  failed["timeline"] = {{{"state", "failed"}, {"what", "nothing was done: cap: 3 actions"}}};
  EXPECT_THAT(shown(failed), HasSubstr("  done       nothing: cap: 3 actions\n"));
  failed.erase("timeline");
  failed["mode"] = "recommend";
  EXPECT_THAT(shown(failed), HasSubstr("  done       nothing: mode recommend\n"));
  EXPECT_THAT(shown(baking()), Not(HasSubstr("done")));
}

TEST(ShowRolloutTest, WhatWasNotedAsItBeganStandsByTheBaselineWhileItGoesOn) {
  json begun = baking();
  begun["baseline"] = "v1";
  begun["timeline"] = {{{"state", "pending"}, {"at_ms", 1}, {"what", "begins"}},
                       {{"state", "pending"}, {"at_ms", 1}, {"what", "v2 failed at noon"}},
                       {{"state", "baking"}, {"at_ms", 1}, {"what", "watching"}},
                       {{"state", "pending"}, {"at_ms", 2}, {"what", "waits"}}};
  EXPECT_THAT(shown(begun), HasSubstr("  baseline   v1\n             v2 failed at noon\n"));
  EXPECT_THAT(shown(begun), Not(HasSubstr("watching")));
  EXPECT_THAT(shown(begun), Not(HasSubstr("waits")));
  begun["ended_ms"] = 3;
  EXPECT_THAT(shown(begun), Not(HasSubstr("v2 failed")));
}

TEST(ShowRolloutTest, RulesCarryWhatTheyMeasureOnceTheyAreJudged) {
  json judged = baking();
  judged["rules"] = {{{"rule", "errors"},
                      {"truth", "bad"},
                      {"sentence", "error rate > 5% over 10s"},
                      {"evidence", {{{"text", "34% (17 of 50) > 5% over 10s"}}}}},
                     {{"rule", "slow"},
                      {"truth", "unknown"},
                      {"sentence", "p95 latency > 1s over 10s"},
                      {"evidence", {{{"text", "unknown (not judged yet)"}}}}}};
  const std::string text = shown(judged);
  EXPECT_THAT(text, HasSubstr("bad errors: error rate > 5% over 10s\n"
                              "             34% (17 of 50) > 5% over 10s\n"));
  EXPECT_THAT(text, Not(HasSubstr("not judged yet")));
}

TEST(ShowRolloutTest, WhatIsMissingOrOfAnotherKindIsLeftOut) {
  EXPECT_EQ(shown(json::object()), "rollout \n  baseline   none: comparisons stay unknown\n");
  EXPECT_THAT(shown({{"rules", "none"}, {"timeline", 3}, {"step_started_ms", "now"}}),
              Not(HasSubstr("step")));
}

}  // namespace
}  // namespace belay::monitor
