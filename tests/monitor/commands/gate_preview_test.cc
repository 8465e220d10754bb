#include "monitor/commands/gate_preview.h"

#include <gtest/gtest.h>

#include "monitor/commands/terminal.h"

namespace belay::monitor {
namespace {

using Kind = rules::Then::Kind;

std::string on_fail(rules::Mode mode, std::vector<rules::Then> ladder, const std::string& baseline,
                    std::optional<rules::Mode> asked = std::nullopt) {
  Config config;
  rules::ServicePlan plan;
  plan.name = "shop";
  plan.mode = mode;
  plan.on_fail = std::move(ladder);
  config.plan.services = {plan};
  return preview_of(config, "shop", {.candidate = "v2", .baseline = baseline},
                    std::chrono::minutes{10}, asked)
      .on_fail;
}

const std::vector<rules::Then> kLadder = {{Kind::reset_flag, "checkout"}, {Kind::rollback, {}}};

TEST(GatePreviewTest, SaysWhatAFailWouldDoInEachMode) {
  EXPECT_EQ(on_fail(rules::Mode::enforce, kLadder, "v1"),
            "reset flag checkout, if that does not help roll back to v1");
  EXPECT_EQ(on_fail(rules::Mode::recommend, {{Kind::rollback, {}}}, "v1"),
            "tell what it would do (mode recommend): roll back to v1");
  EXPECT_EQ(on_fail(rules::Mode::observe, {{Kind::rollback, {}}}, "v1"),
            "nothing (mode observe); in mode enforce: roll back to v1");
}

TEST(GatePreviewTest, TheModeThatTheGateAsksForIsTheOneThatCounts) {
  EXPECT_EQ(on_fail(rules::Mode::recommend, {{Kind::rollback, {}}}, "v1", rules::Mode::enforce),
            "roll back to v1");
}

TEST(GatePreviewTest, WithoutABaselineARollbackMayFindOne) {
  EXPECT_EQ(on_fail(rules::Mode::enforce, {{Kind::rollback, {}}}, ""),
            "roll back, where a baseline is found");
  EXPECT_EQ(on_fail(rules::Mode::enforce, kLadder, ""),
            "reset flag checkout, if that does not help roll back, where a baseline is found");
}

TEST(GatePreviewTest, BewaresOfAGateThatEndsBeforeTheDefaultJudgementCanAct) {
  const auto beware = [](Duration lasts, const std::string& baseline, bool by_default,
                         bool judges_latency = true) {
    Config config;
    rules::ServicePlan plan;
    plan.name = "shop";
    plan.rollout.is_judged_by_default = by_default;
    plan.rollout.limits.judges_latency = judges_latency;
    config.plan.services = {plan};
    return preview_of(config, "shop", {.candidate = "v2", .baseline = baseline}, lasts).beware;
  };
  using std::chrono::seconds;
  EXPECT_EQ(beware(seconds{60}, "", true),
            "without a baseline default/errors acts after 1m30s, and this gate lasts 1m: name "
            "--baseline, or watch for longer");
  EXPECT_EQ(beware(seconds{91}, "", true), "");
  EXPECT_EQ(beware(seconds{60}, "v1", true),
            "default/latency acts after 1m30s, and this gate lasts 1m: a version that is only slow "
            "ends it unknown; watch for longer");
  EXPECT_EQ(beware(seconds{90}, "v1", true), "");
  EXPECT_EQ(beware(seconds{60}, "v1", true, false), "") << "nothing ends it for being slow";
  EXPECT_EQ(beware(seconds{60}, "", false), "") << "rules of one's own have their own times";
}

TEST(GatePreviewTest, SaysWhichProbesBlameNobody) {
  Config config;
  rules::ServicePlan plan;
  plan.name = "shop";
  plan.rollout.is_judged_by_default = true;
  config.plan.services = {plan};
  config.sources = {
      {"healthz", "shop", ProbeConfig{}},
      {"aimed", "shop", ProbeConfig{.version_headers = {{"X-Version", "{version}"}}}}};
  const GatePreview preview =
      preview_of(config, "shop", {.candidate = "v2", .baseline = "v1"}, std::chrono::minutes{10});
  EXPECT_EQ(preview.probes_of_nobody, std::vector<std::string>{"healthz"});
  EXPECT_NE(text_of(preview, Style(false)).find("healthz names no version"), std::string::npos);
}

TEST(GatePreviewTest, ProgressCountsRulesOrSaysWhatTheDefaultJudgementWaitsFor) {
  rules::ServiceStatus service;
  service.rollout = rules::RolloutStatus{.why = "37 of 50 requests"};
  EXPECT_EQ(line_of(service), "37 of 50 requests");
  service.rules = {{.rule = "errors", .truth = rules::Truth::fine}};
  EXPECT_EQ(line_of(service), "1 fine, 0 unknown");
}

}  // namespace
}  // namespace belay::monitor
