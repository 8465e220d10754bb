#include <gtest/gtest.h>

#include "rules/windows/histogram.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

std::uint64_t rejected(const EngineRig& rig, const char* reason) {
  const auto& by_reason = rig.source("tail").rejected_total;
  const auto found = by_reason.find(reason);
  return found == by_reason.end() ? 0 : found->second;
}

TEST(Admission, RefusesWhatComesLateFromTheFutureTwiceOrForNobody) {
  EngineRig rig({make_rule("r", "requests rate > 1000/s over 10s")});
  rig.run(60s);
  const Instant now = rig.now();
  rig.push(rig.request({}, now - 6s));
  rig.push(rig.request({}, now + 7s));
  rig.push(rig.request({.service = "nobody"}, now));
  Request twice = rig.request({}, now);
  twice.fingerprint = 77;
  rig.push(twice);
  rig.push(twice);
  rig.push(rig.request({}, now));
  rig.run(250ms);
  EXPECT_EQ(rejected(rig, "late"), 1U);
  EXPECT_EQ(rejected(rig, "from_the_future"), 1U);
  EXPECT_EQ(rejected(rig, "unknown_service"), 1U);
  EXPECT_EQ(rejected(rig, "duplicate"), 1U);
  // Received is evaluated plus refused.
  EXPECT_EQ(rig.source("tail").events_total, 6U);
  EXPECT_EQ(rig.service().series.at(0).requests, 2U);
}

TEST(Admission, MakesServicesOnTheWayWhereThePlanAllowsAnyUpToTheCap) {
  Plan plan = EngineRig::plan_of({});
  plan.any_service = ServicePlan{.rules = {make_rule("r", "error rate > 5% over 10s")}};
  plan.services_max = 3;
  EngineRig rig(plan);
  rig.run(1s);
  for (const char* name : {"a", "b", "c", "d"}) rig.push(rig.request({.service = name}, rig.now()));
  rig.run(250ms);
  EXPECT_EQ(rig.engine.snapshot().services.size(), 3U);
  EXPECT_EQ(rejected(rig, "too_many_services"), 2U);
  EXPECT_EQ(rig.service("a").rules.size(), 1U);
}

TEST(Admission, ForgetsTheVersionThatWasNotSeenForLongestOverTheCap) {
  Plan plan = EngineRig::plan_of({});
  plan.versions_per_service_max = 2;
  EngineRig rig(plan);
  for (const char* version : {"v1", "v2", "v1", "v3"}) {
    rig.run(1s);
    rig.push(rig.request({.version = version}, rig.now()));
  }
  rig.run(1s);
  EXPECT_EQ(rig.service().versions, (std::vector<std::string>{"v1", "v3"}));
}

TEST(Sources, AreAnErrorWhenTheirClockIsWrong) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.stream("ok", 8);
  rig.run(20s);
  EXPECT_EQ(rig.rule("r").truth, Truth::fine);
  for (int i = 0; i < 40; ++i) rig.push(rig.request({}, rig.now() + 1min));
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::error);
}

TEST(Sources, ShowAWrongClockAlsoWhereTheyAreSampled) {
  for (const SourceHealth said : {SourceHealth::alive, SourceHealth::sampled, SourceHealth::down}) {
    EngineRig rig(EngineRig::plan_of({}));
    rig.stream("ok", 8);
    rig.run(20s);
    rig.say(EngineRig::kTail, said);
    for (int i = 0; i < 40; ++i) rig.push(rig.request({}, rig.now() + 1min));
    rig.run(1s);
    EXPECT_EQ(rig.source("tail").health,
              said == SourceHealth::down ? SourceHealth::down : SourceHealth::refused);
  }
}

TEST(Sources, ThatTheProviderRefusesAreAnErrorAndThoseThatDropAreSampled) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.stream("ok", 8);
  rig.run(20s);
  rig.say(EngineRig::kTail, SourceHealth::sampled);
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::sampled);
  rig.say(EngineRig::kTail, SourceHealth::refused);
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::error);
}

TEST(Sources, AreLaggingWhenTheirNewestEvidenceIsOld) {
  EngineRig rig({make_rule("r", "requests rate < 1/s over 10s")});
  for (int i = 0; i < 80; ++i) {
    rig.push(rig.request({}, rig.now() - 40s));
    rig.run(250ms);
  }
  EXPECT_EQ(rig.rule("r").truth, Truth::unknown) << "there may well be requests";
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::lagging);
  EXPECT_EQ(rejected(rig, "late"), 80U);
}

TEST(Sources, ThatAreBadAreStillEnoughToBeBad) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.say(EngineRig::kTail, SourceHealth::sampled);
  rig.stream("bad", 8, {.status = 500});
  rig.run(3s);
  EXPECT_EQ(rig.rule("r").truth, Truth::bad);
}

TEST(Sources, AreToldWhenTheyAreLostAndWhenTheyAreBack) {
  EngineRig rig(EngineRig::plan_of({}));
  rig.run(20s);
  rig.set_alive(EngineRig::kTail, false);
  rig.run(20s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::source_lost).size(), 1U);
  EXPECT_TRUE(rig.source("tail").blind);
  rig.set_alive(EngineRig::kTail, true);
  rig.run(2s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::source_back).size(), 1U);
}

TEST(Sources, WithAGapInTheWindowCannotBeFine) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.stream("ok", 8);
  rig.run(20s);
  rig.push(SourceGap{
      .source = EngineRig::kTail, .at = rig.now(), .span = 5s, .lost = 9, .reason = "inbox_full"});
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::blind);
  EXPECT_EQ(rig.source("tail").lost_total.at("inbox_full"), 9U);
  rig.run(15s);
  EXPECT_EQ(rig.rule("r").truth, Truth::fine);
}

TEST(Sources, WhoseSlowRequestsComeTooLateAreNotFine) {
  EngineRig rig({make_rule("slow", "p95 latency > 250ms over 10s, min 5 requests")});
  rig.stream("fast", 40, {.latency = 5ms});
  rig.run(20s);
  ASSERT_EQ(rig.rule("slow").truth, Truth::fine);
  // One in twenty hangs, and is written with the time of its beginning when it ends.
  for (int i = 0; i < 40; ++i) {
    if (i % 2 == 0) rig.push(rig.request({.latency = 8s}, rig.now() - 8s));
    rig.run(250ms);
  }
  EXPECT_EQ(rejected(rig, "late"), 20U);
  EXPECT_EQ(rig.rule("slow").truth, Truth::unknown) << "only the fast ones were counted";
  EXPECT_EQ(rig.rule("slow").unknown, UnknownKind::lagging);
}

TEST(Sources, WhoseEvidenceAllComesTooLateAreNotFine) {
  EngineRig rig({make_rule("errors", "5xx rate > 5/s over 10s")});
  for (int i = 0; i < 120; ++i) {
    rig.push(rig.request({.status = 500}, rig.now() - 9s));
    rig.run(250ms);
  }
  EXPECT_EQ(rig.rule("errors").truth, Truth::unknown) << "nothing was counted";
  EXPECT_EQ(rig.rule("errors").unknown, UnknownKind::lagging);
  rig.run(90s);
  EXPECT_EQ(rig.rule("errors").unknown, UnknownKind::no_traffic);
}

TEST(Sources, ThatAreSilentSayThatNoRequestCameAndNotThatNoneFailed) {
  EngineRig rig({make_rule("errors", "5xx rate > 5/s over 10s"),
                 make_rule("labelled", R"(requests rate{status=~"5.."} > 1/s over 10s)"),
                 make_rule("turned", "0.05 x requests rate < 5xx rate over 10s"),
                 make_rule("flood", "requests rate > 5/s over 10s"),
                 make_rule("down", "2xx rate < 1/s over 10s")});
  rig.run(30s);
  EXPECT_EQ(rig.rule("errors").unknown, UnknownKind::no_traffic);
  EXPECT_EQ(rig.rule("labelled").unknown, UnknownKind::no_traffic);
  EXPECT_EQ(rig.rule("turned").unknown, UnknownKind::no_traffic);
  EXPECT_EQ(rig.rule("flood").truth, Truth::fine);
  EXPECT_EQ(rig.rule("down").truth, Truth::bad);
  rig.stream("v1", 2);
  rig.run(15s);
  for (const char* rule : {"errors", "labelled", "turned"})
    EXPECT_EQ(rig.rule(rule).truth, Truth::fine) << rule;
}

TEST(Sources, ThatGiveAnIdAnotherMeaningDoNotSpeakForTheOldOne) {
  EngineRig rig({make_rule("errors", "error rate > 5% over 10s")});
  const Request request = rig.request({.version = "v1"}, rig.now());
  rig.push(request);
  rig.run(250ms);
  rig.push(TextDefined{.source = EngineRig::kTail, .id = request.version, .text = "v2"});
  rig.push(request);
  rig.run(250ms);
  ASSERT_EQ(rig.service().series.size(), 2U);
  EXPECT_EQ(rig.service().series[1].version, "v2");
  EXPECT_EQ(rig.service().series[1].requests, 1U);
}

TEST(Sources, ThatReadAGaugeNoMoreAreNotFineByItsMean) {
  EngineRig rig({make_rule("deep", "queue emails depth > 100 over 5m")});
  const TextId emails = rig.text(EngineRig::kQueues, "emails");
  for (int i = 0; i < 72; ++i) {
    rig.push(QueueSample{.source = EngineRig::kQueues,
                         .queue = emails,
                         .at = rig.now(),
                         .depth = i < 66 ? std::optional<std::uint64_t>(5) : std::nullopt});
    rig.run(5s);
    if (i == 65) {
      EXPECT_EQ(rig.rule("deep").truth, Truth::fine);
    }
  }
  EXPECT_EQ(rig.rule("deep").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("deep").unknown, UnknownKind::blind);
}

TEST(Sources, ThatCountedASecondWrongAreRefused) {
  EngineRig rig({make_rule("slow", "p95 latency > 250ms over 10s, min 20 requests")});
  RequestSecond second{.like = rig.request({}, rig.now()), .count = 20};
  second.latency = {{.bucket = bucket_of(std::uint32_t{10'000}), .count = 20}};
  second.above = {{.threshold_us = 250'000, .count = 2'000}};
  rig.push(second);
  second.above.clear();
  second.latency[0].count = 2'000;
  rig.push(second);
  rig.run(1s);
  EXPECT_EQ(rejected(rig, "inconsistent"), 40U);
  EXPECT_EQ(rig.rule("slow").truth, Truth::unknown);
}

TEST(Sources, HostileInEveryNameFillNothingBeyondItsCap) {
  Plan plan =
      EngineRig::plan_of({make_rule("errors", "error rate > 5% over 10s, min 20 requests")});
  plan.any_service = ServicePlan{};
  EngineRig rig(plan);
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "x" + std::to_string(i);
    rig.push(rig.request({.service = name, .version = name, .route = "/" + name, .outcome = name},
                         rig.now()));
    rig.push(rig.request({.version = name, .route = "/" + name, .outcome = name}, rig.now()));
  }
  rig.push(rig.request({.version = "never"}, rig.now()));
  rig.run(1s);
  const Snapshot snapshot = rig.engine.snapshot();
  EXPECT_LE(snapshot.services.size(), plan.services_max);
  for (const ServiceStatus& service : snapshot.services) {
    EXPECT_LE(service.versions.size(), plan.versions_per_service_max);
    EXPECT_LE(service.series.size(), 21U * 201U);
  }
  EXPECT_EQ(rig.rule("errors").truth, Truth::bad) << "they are counted all the same";
}

TEST(Sources, ThatSleptForHoursAreBlindAndNothingIsDecidedOnTheWay) {
  EngineRig rig({}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests", "rollback")});
  rig.stream("ok", 20, {.version = "v2"});
  rig.run(5s);
  rig.push(RolloutStarted{.at = rig.now(), .service = "shop", .candidate = "v2", .lasts = 10min});
  rig.run(30s);
  const Step step = rig.jump(10h);
  EXPECT_TRUE(step.orders.empty());
  ASSERT_TRUE(decided(*rig.service().rollout).has_value());
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
}

TEST(Sources, WhoseEventsComeFromTheFutureIsNotAliveAndSaysByHowMuch) {
  EngineRig rig({make_rule("errors", "error rate > 5% over 10s, min 10 requests")});
  const auto ahead = [&rig](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      rig.push(rig.request({.version = "v1"}, rig.now() + 10min));
      rig.run(1s);
    }
  };
  constexpr const char* kSaid =
      "its events are ahead of this machine's clock by 10m: the clock was set, or theirs is wrong";
  ahead(3);
  EXPECT_EQ(rig.source("tail").health, SourceHealth::refused);
  EXPECT_EQ(rig.source("tail").detail, kSaid);
  ahead(610);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::unknown_too_long);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].page);
  EXPECT_EQ(told[0].details.back(), std::string("source tail: ") + kSaid);
  rig.stream("good", 20, {.version = "v1"});
  rig.run(2min);
  EXPECT_EQ(rig.source("tail").health, SourceHealth::alive);
  EXPECT_EQ(rig.source("tail").detail, "");
}

}  // namespace
}  // namespace belay::rules
