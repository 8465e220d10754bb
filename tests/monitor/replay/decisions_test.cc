#include "monitor/replay/decisions.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/replay/replay.h"

namespace belay::monitor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

constexpr std::int64_t kStartMs = 1'795'182'320'000;

/// Twenty requests a second, a fifth of them to v2 and half of them from the second step on; from
/// `bad_from` on every third of v2's fails, and of v1's too if `is_shared`.
std::string recording(int seconds, int bad_from, bool is_shared, int step_seconds) {
  std::string text;
  int serial = 0;
  for (int second = 0; second < seconds; ++second) {
    const int percent = second < step_seconds ? 20 : 50;
    for (int i = 0; i < 20; ++i, ++serial) {
      const bool is_candidate = serial * 37 % 100 < percent;
      const bool is_bad = second >= bad_from && (is_candidate || is_shared) && serial % 3 == 0;
      text += R"({"ts":)" + std::to_string(kStartMs + second * 1000 + i * 50) +
              R"(,"service":"shop","route":"/","version":")" + (is_candidate ? "v2" : "v1") +
              R"(","status":)" + (is_bad ? "500" : "200") + R"(,"wall_ms":20})" + "\n";
    }
  }
  return text;
}

std::vector<Decision> decisions_of(const std::string& text, const std::string& written) {
  const auto steps = rules::parse_steps(written);
  EXPECT_TRUE(steps);
  Replay::Options options{.format = LogFormat::generic, .service = "shop"};
  options.plan.services.push_back({.name = "shop"});
  options.plan.services.back().rollout.is_judged_by_default = true;
  options.gate = rules::RolloutStarted{
      .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = std::chrono::hours{24}};
  options.steps = *steps;
  Decisions decisions(*steps, {});
  std::vector<Decision> decided;
  const Replay* read = nullptr;
  Replay replay{options, [&](const rules::Step& step, Instant now) {
                  const auto look = [&] { return read->rollout(); };
                  for (Decision& one : decisions.take(step, now, *read->first(), look))
                    decided.push_back(std::move(one));
                }};
  read = &replay;
  replay.feed(text);
  replay.end_of_file();
  replay.finish();
  if (auto kept = decisions.end(replay.last(), *replay.first())) decided.push_back(*kept);
  return decided;
}

TEST(DecisionsTest, AHealthyCandidateAdvancesAndIsKept) {
  const auto decided = decisions_of(recording(240, 1000, false, 120), "20% for 120s, 50% for 120s");
  EXPECT_THAT(decided, ElementsAre(AllOf(Field(&Decision::decision, "advance"),
                                         Field(&Decision::t, std::chrono::seconds{120}),
                                         Field(&Decision::step, 2U)),
                                   Field(&Decision::decision, "keep")));
}

TEST(DecisionsTest, AStepThatHasShownTooLittleIsHeldAndSaysWhy) {
  std::string text;
  for (int i = 0; i < 6; ++i)
    text += R"({"ts":)" + std::to_string(kStartMs + i * 290'000) +
            R"(,"service":"shop","version":")" + (i % 3 == 0 ? "v1" : "v2") +
            R"(","status":200,"wall_ms":20})" + "\n";
  const auto decided = decisions_of(text, "10% for 600s, 50% for 600s, 100% for 600s");
  EXPECT_THAT(decided, ElementsAre(AllOf(Field(&Decision::decision, "hold"),
                                         Field(&Decision::t, std::chrono::seconds{600}),
                                         Field(&Decision::step, 1U),
                                         Field(&Decision::reason, HasSubstr("of 50 requests"))),
                                   AllOf(Field(&Decision::decision, "hold"),
                                         Field(&Decision::t, std::chrono::seconds{1200})),
                                   Field(&Decision::decision, "keep")));
}

TEST(DecisionsTest, ABadOneIsRolledBackOnceAndNothingFollows) {
  const auto decided = decisions_of(recording(240, 60, false, 120), "20% for 120s, 50% for 120s");
  ASSERT_FALSE(decided.empty());
  const Decision& last = decided.back();
  EXPECT_EQ(last.decision, "rollback");
  EXPECT_GT(last.t, std::chrono::seconds{60});
  EXPECT_LT(last.t, std::chrono::seconds{120});
  EXPECT_THAT(last.reason, HasSubstr("v2"));
  const nlohmann::ordered_json json = json_of(last);
  EXPECT_EQ(json.at("decision"), "rollback");
  EXPECT_EQ(json.at("t"), seconds(last.t));
  EXPECT_GT(json.at("numbers").at("candidate").at("bad"), 0);
  EXPECT_EQ(json.at("numbers").at("routes").at(0).at("name"), "/");
}

TEST(DecisionsTest, ASharedIncidentPausesAndIsKept) {
  const auto decided = decisions_of(recording(240, 60, true, 300), "20% for 300s, 50% for 300s");
  ASSERT_GE(decided.size(), 2U);
  EXPECT_EQ(decided.front().decision, "pause");
  EXPECT_THAT(decided.front().reason, HasSubstr("shared cause"));
  EXPECT_EQ(decided.back().decision, "keep");
}

}  // namespace
}  // namespace belay::monitor
