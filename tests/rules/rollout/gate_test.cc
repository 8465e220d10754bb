#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";

Rule errors(const char* then = "rollback") { return make_rule("errors", kErrors, then); }

/// v1 carries the traffic; v2 is what the gate is about.
void serve(EngineRig& rig, bool is_v1_bad, bool is_v2_bad) {
  rig.stream("v1", 20,
             {.version = "v1", .status = is_v1_bad ? std::uint16_t{500} : std::uint16_t{200}});
  rig.stream("v2", 10,
             {.version = "v2", .status = is_v2_bad ? std::uint16_t{500} : std::uint16_t{200}});
}

void start_gate(EngineRig& rig, Duration lasts = 2min, const char* baseline = "v1") {
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = baseline, .lasts = lasts});
}

const RollBack& rollback_of(const Order& order) { return std::get<RollBack>(order.action); }

TEST(Gate, FailsAtTheFirstRuleThatFiresAndOrdersTheRollback) {
  EngineRig rig({}, {errors()});
  serve(rig, false, true);
  rig.stream("v2", 0);
  rig.run(20s);
  start_gate(rig);
  serve(rig, false, true);
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rollback_of(rig.orders[0]).target, "v1");
  EXPECT_EQ(rollback_of(rig.orders[0]).expected, "v2");
  EXPECT_EQ(rig.orders[0].rule, "errors");
  EXPECT_EQ(rig.orders[0].intent.size(), 36U);
  ASSERT_TRUE(rig.service().rollout.has_value());
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail);
  // The intent is in the journal before the end of the gate, and only once.
  const auto is_intent = [](const JournalEntry& entry) {
    return entry.kind == JournalEntry::Kind::intent;
  };
  EXPECT_EQ(std::count_if(rig.journal.begin(), rig.journal.end(), is_intent), 1);
}

TEST(Gate, PassesAtItsEndWhenEveryRuleWasFineOverAWindowInsideIt) {
  EngineRig rig({}, {errors()});
  serve(rig, false, false);
  start_gate(rig, 30s);
  rig.run(29s);
  EXPECT_FALSE(decided(*rig.service().rollout).has_value());
  rig.run(2s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::pass);
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Gate, IsUnknownWhenTheCandidateHadNoTraffic) {
  EngineRig rig({}, {errors()});
  rig.stream("v1", 20, {.version = "v1"});
  start_gate(rig, 30s);
  rig.run(31s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
  EXPECT_EQ(rig.service().rollout->why, "errors is unknown (no_traffic)");
}

TEST(Gate, IsUnknownWhenItsWindowDoesNotFitInside) {
  EngineRig rig({}, {make_rule("errors", "error rate > 5% over 1m, min 20 requests", "rollback")});
  serve(rig, false, false);
  rig.run(2min);
  start_gate(rig, 30s);
  rig.run(31s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
  EXPECT_EQ(rig.service().rollout->why, "errors is unknown (warming)");
}

TEST(Gate, NeitherActsNorFailsByARuleThatWasBadBefore) {
  EngineRig rig({}, {errors()});
  rig.stream("v1", 20, {.version = "v1", .status = 500});
  rig.run(30s);
  start_gate(rig, 1min, "");
  rig.stream("v1", 0);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(61s);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
}

TEST(Gate, CountsARuleThatWasBadBeforeOnceItHasBeenFine) {
  EngineRig rig({}, {errors()});
  rig.stream("v1", 20, {.version = "v1", .status = 500});
  rig.run(30s);
  start_gate(rig, 5min);
  serve(rig, false, false);
  rig.run(30s);
  EXPECT_FALSE(rig.rule("errors").was_bad_before);
  serve(rig, false, true);
  rig.run(20s);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Gate, HoldsOnASharedCauseAndGoesOnByItselfWhenItClears) {
  EngineRig rig({}, {errors()});
  serve(rig, false, false);
  rig.run(20s);
  start_gate(rig, 10min);
  rig.run(20s);
  serve(rig, true, true);
  rig.run(40s);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_FALSE(decided(*rig.service().rollout).has_value());
  ASSERT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 1U);
  EXPECT_NE(rig.notices_of(Notice::Kind::not_acted)[0].headline.find("shared cause"),
            std::string::npos);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::not_acted)[0].page);
  serve(rig, false, true);
  rig.run(30s);
  EXPECT_EQ(rig.orders.size(), 1U);
}

/// One answer of the probe every five seconds, and the time that it takes.
void probe(EngineRig& rig, int answers, bool fails, const char* version = "") {
  for (int i = 0; i < answers; ++i) {
    rig.push(Probe{.source = EngineRig::kProbe,
                   .version = rig.text(EngineRig::kProbe, version),
                   .at = rig.now(),
                   .failure = fails ? ProbeFailure::timeout : ProbeFailure::none});
    rig.run(5s);
  }
}

Rule healthz() { return make_rule("healthz", "probe healthz fails 3 of 5", "rollback"); }

TEST(Gate, RollsBackByAProbeWithoutVersionsThatWasFineBefore) {
  EngineRig rig({}, {healthz()});
  probe(rig, 5, false);
  start_gate(rig, 10min);
  probe(rig, 3, true);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rollback_of(rig.orders[0]).target, "v1");
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail);
}

TEST(Gate, BlamesNobodyByAProbeWithoutVersionsThatWasNeverFine) {
  EngineRig rig({}, {healthz()});
  start_gate(rig, 10min);
  probe(rig, 6, true);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_FALSE(decided(*rig.service().rollout).has_value());
  ASSERT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 1U);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::not_acted)[0].page);
  EXPECT_EQ(rig.notices_of(Notice::Kind::not_acted)[0].headline,
            "shop: cannot blame v2: healthz fires by evidence without a version, and was never "
            "seen fine");
  probe(rig, 5, false);
  probe(rig, 3, true);
  EXPECT_EQ(rig.orders.size(), 1U);  // Fine within the gate, and then worse.
}

TEST(Gate, RollsBackByAProbeOfTheCandidateWhileThatOfTheBaselineIsFine) {
  EngineRig rig({}, {healthz()});
  start_gate(rig, 10min);
  for (int i = 0; i < 3; ++i) {
    probe(rig, 1, false, "v1");
    probe(rig, 1, true, "v2");
  }
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Gate, HoldsWhenTheProbesOfBothVersionsFail) {
  EngineRig rig({}, {healthz()});
  start_gate(rig, 10min);
  probe(rig, 3, true, "v1");
  probe(rig, 3, true, "v2");
  EXPECT_TRUE(rig.orders.empty());
  ASSERT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 1U);
  EXPECT_NE(rig.notices_of(Notice::Kind::not_acted)[0].headline.find("shared cause"),
            std::string::npos);
}

TEST(Gate, LetsAProbeWithoutVersionsNotHideThatBothVersionsFail) {
  EngineRig rig({}, {make_rule("both",
                               "error rate > 5% over 10s and probe healthz fails 3 of 5, "
                               "min 20 requests",
                               "rollback")});
  serve(rig, false, false);
  probe(rig, 5, false);
  start_gate(rig, 10min);
  serve(rig, true, true);
  probe(rig, 5, true);
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Gate, PassesByAProbeOnlyWhatIsThereToBeProbed) {
  EngineRig rig({}, {healthz()});
  rig.stream("v1", 20, {.version = "v1"});
  start_gate(rig, 30s);
  probe(rig, 7, false);
  ASSERT_TRUE(decided(*rig.service().rollout).has_value());
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown) << "nobody has seen v2";
  EXPECT_EQ(rig.service().rollout->why,
            "no request of v2 was seen in this rollout, while v1 had 600");
}

TEST(Gate, PassesNothingByWhatWasSeenOfItInAnEarlierRollout) {
  for (const bool is_there : {false, true}) {
    EngineRig rig({}, {healthz()});
    serve(rig, false, false);
    rig.run(20s);
    if (!is_there) rig.stream("v2", 0);
    rig.run(2s);
    start_gate(rig, 30s);
    probe(rig, 7, false);
    EXPECT_EQ(decided(*rig.service().rollout), is_there ? Outcome::pass : Outcome::unknown)
        << rig.service().rollout->why;
  }
}

TEST(Gate, PassesByAProbeOfTheCandidateOrWhatHasAllTraffic) {
  for (const bool is_aimed : {true, false}) {
    EngineRig rig({}, {healthz()});
    rig.stream("v1", 20, {.version = "v1"});
    start_gate(rig, 30s);
    if (!is_aimed)
      rig.push(Deployment{.service = "shop", .at = rig.now(), .versions = {{"v2", 100}}});
    probe(rig, 7, false, is_aimed ? "v2" : "");
    EXPECT_EQ(decided(*rig.service().rollout), Outcome::pass) << is_aimed;
  }
}

TEST(Gate, RollsBackByAQueueThatWasFineBefore) {
  EngineRig rig({}, {make_rule("deep", "queue emails depth > 10", "rollback")});
  const auto sample = [&rig](std::uint64_t depth) {
    rig.push(QueueSample{.source = EngineRig::kQueues,
                         .queue = rig.text(EngineRig::kQueues, "emails"),
                         .at = rig.now(),
                         .depth = depth});
    rig.run(5s);
  };
  for (int i = 0; i < 3; ++i) sample(1);
  start_gate(rig, 10min);
  for (int i = 0; i < 3; ++i) sample(100);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Gate, JudgesAbsoluteRulesWithoutABaselineButHasNothingToGoBackTo) {
  EngineRig rig({}, {errors()});
  serve(rig, false, false);
  start_gate(rig, 5min, "");
  rig.run(10s);
  serve(rig, false, true);
  rig.run(20s);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail);
  ASSERT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 1U);
  EXPECT_EQ(rig.notices_of(Notice::Kind::not_acted)[0].headline,
            "shop: did not roll back from v2: no version to go back to is known: no baseline was "
            "given and none was found");
  EXPECT_EQ(rig.service().rollout->timeline.back().what,
            "nothing was done: no version to go back to is known: no baseline was given and none "
            "was found");
}

TEST(Gate, NeverCountsAnAlert) {
  EngineRig rig({}, {errors("alert"),
                     make_rule("slow", "p95 latency > 1s over 10s, min 20 requests", "rollback")});
  serve(rig, false, true);
  start_gate(rig, 30s);
  rig.run(31s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::pass);
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Gate, IsUnknownWhileAPauseFires) {
  EngineRig rig({}, {errors("pause")});
  serve(rig, false, true);
  start_gate(rig, 30s);
  rig.run(31s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
  EXPECT_EQ(rig.service().rollout->why, "errors is firing");
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Gate, FailsWithoutAnActionByElseFail) {
  EngineRig rig({}, {make_rule("slow", "p95 latency > 1s over 10s, min 200 requests, else fail",
                               "rollback")});
  rig.stream("v2", 1, {.version = "v2"});
  start_gate(rig, 30s);
  rig.run(31s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_EQ(rig.service().rollout->timeline.back().what,
            "nothing was done: `else fail` fails the rollout without an action");
}

TEST(Gate, SaysInItsTimelineWhyAFailWasLeftAsItIs) {
  for (const std::string why : {"mode observe", "mode recommend", "disarmed until ",
                                "it is irreversible: a person must decide"}) {
    EngineRig rig({}, {errors()});
    serve(rig, false, false);
    RolloutStarted started{.at = rig.now(),
                           .service = "shop",
                           .candidate = "v2",
                           .baseline = "v1",
                           .lasts = 1min,
                           .is_irreversible = why.starts_with("it is irreversible")};
    if (why == "mode observe") started.mode = Mode::observe;
    if (why == "mode recommend") started.mode = Mode::recommend;
    if (why == "disarmed until ")
      rig.push(Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1h, .by = "ann"});
    rig.push(started);
    rig.run(10s);
    serve(rig, false, true);
    rig.run(52s);
    EXPECT_TRUE(rig.orders.empty());
    ASSERT_EQ(rig.service().rollout->state, RolloutState::failed) << why;
    EXPECT_TRUE(rig.service().rollout->timeline.back().what.starts_with("nothing was done: " + why))
        << rig.service().rollout->timeline.back().what;
  }
}

TEST(Gate, ComparesTheCandidateWithItsBaseline) {
  EngineRig rig({}, {make_rule("worse",
                               "candidate error rate > baseline error rate + 1 point over 10s, "
                               "min 20 requests, for 5s",
                               "rollback")});
  serve(rig, true, true);
  start_gate(rig, 10min);
  rig.run(30s);
  EXPECT_EQ(rig.rule("worse").truth, Truth::fine);
  serve(rig, false, true);
  rig.run(30s);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Gate, CannotCompareWithoutABaseline) {
  EngineRig rig({}, {make_rule("worse",
                               "candidate p95 latency > 1.2 x baseline p95 latency over 10s, "
                               "min 20 requests",
                               "rollback")});
  serve(rig, false, false);
  start_gate(rig, 30s, "");
  rig.run(20s);
  EXPECT_EQ(rig.rule("worse").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("worse").unknown, UnknownKind::no_baseline);
}

TEST(Gate, CountsTheRulesThatAreAlwaysJudged) {
  EngineRig rig({make_rule("deep", "queue emails depth > 100, for 5s", "rollback")}, {});
  start_gate(rig, 1min);
  const TextId emails = rig.text(EngineRig::kQueues, "emails");
  for (int i = 0; i < 10; ++i) {
    rig.push(QueueSample{
        .source = EngineRig::kQueues, .queue = emails, .at = rig.now(), .depth = i < 3 ? 5 : 500});
    rig.run(5s);
  }
  EXPECT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail);
}

TEST(Gate, EndsUnknownWhenSomeoneTakesTheCandidateOut) {
  EngineRig rig({}, {errors()});
  serve(rig, false, false);
  start_gate(rig, 10min);
  rig.push(Deployment{.service = "shop", .at = rig.now(), .versions = {{"v1", 90}, {"v2", 10}}});
  rig.run(10s);
  EXPECT_FALSE(decided(*rig.service().rollout).has_value());
  rig.push(Deployment{.service = "shop", .at = rig.now(), .versions = {{"v1", 100}}});
  rig.run(10s);
  EXPECT_FALSE(decided(*rig.service().rollout).has_value()) << "one reading may be an old one";
  rig.push(Deployment{.service = "shop", .at = rig.now(), .versions = {{"v1", 100}}});
  rig.run(1s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
}

TEST(Gate, PagesOnceWhenNothingIsKnownForTenMinutes) {
  EngineRig rig({}, {errors()});
  start_gate(rig, 1h);
  rig.run(9min);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::unknown_too_long).empty());
  rig.run(20min);
  EXPECT_EQ(rig.notices_of(Notice::Kind::unknown_too_long).size(), 1U);
}

}  // namespace
}  // namespace belay::rules
