#include "rules/language/rule_check.h"

#include <gtest/gtest.h>

#include "rules/language/parser.h"

namespace belay::rules {
namespace {

Sentence sentence(std::string_view text) {
  ParsedSentence parsed = parse_sentence(text);
  EXPECT_TRUE(parsed.sentence) << text;
  return parsed.sentence.value_or(Sentence{});
}
Then then(std::string_view text) {
  const auto parsed = parse_then(text);
  EXPECT_TRUE(std::holds_alternative<Then>(parsed)) << text;
  return std::holds_alternative<Then>(parsed) ? std::get<Then>(parsed) : Then{};
}
Diagnostic refused(std::string_view text) {
  const auto parsed = parse_then(text);
  EXPECT_TRUE(std::holds_alternative<Diagnostic>(parsed)) << text;
  return std::holds_alternative<Diagnostic>(parsed) ? std::get<Diagnostic>(parsed) : Diagnostic{};
}

TEST(RuleCheckTest, BlindnessPausesAndAlertsButNeverActs) {
  for (const char* text : {"no data for 60s", "sampling from tail for 2m",
                           "5xx rate > 5% over 1m or no data for 60s"}) {
    EXPECT_TRUE(refused_action(sentence(text), then("rollback"))) << text;
    EXPECT_TRUE(refused_action(sentence(text), then("reset flag x"))) << text;
    EXPECT_TRUE(refused_action(sentence(text), then("run x"))) << text;
    EXPECT_FALSE(refused_action(sentence(text), then("pause"))) << text;
    EXPECT_FALSE(refused_action(sentence(text), then("alert"))) << text;
  }
  EXPECT_FALSE(refused_action(sentence("5xx rate > 5% over 1m"), then("rollback")));
}

TEST(RuleCheckTest, SentencesThatNameVersionsNeedARollout) {
  EXPECT_TRUE(needs_rollout(sentence("candidate worse than baseline")));
  EXPECT_TRUE(needs_rollout(sentence("5xx rate > 1% over 1m and baseline 5xx rate < 1% over 1m")));
  EXPECT_FALSE(needs_rollout(sentence("5xx rate > 5% over 1m")));
}

TEST(RuleCheckTest, SharesAndQuantilesNeedASourceThatReportsEverything) {
  EXPECT_TRUE(needs_whole(sentence("5xx rate > 5% over 1m")));
  EXPECT_TRUE(needs_whole(sentence("p95 latency > 1s over 1m")));
  EXPECT_FALSE(needs_whole(sentence("5xx rate > 5/s over 1m")));
  EXPECT_FALSE(needs_whole(sentence("queue emails failure rate > 5% over 1m")));
}

TEST(RuleCheckTest, LongestWindowIsTheLongestOver) {
  EXPECT_EQ(longest_window(sentence("5xx rate > 5% over 1m or p95 latency over 10m > 2s")),
            std::chrono::minutes{10});
  EXPECT_EQ(longest_window(sentence("no data for 60s")), Duration::zero());
}

TEST(ThenTest, EveryActionParsesAndIsWrittenBack) {
  for (const char* text : {"rollback", "reset flag checkout-v2", "run notify-oncall", "pause",
                           "alert", "reset flag \"a b\"", "run rate"}) {
    EXPECT_EQ(then_text(then(text)), text);
  }
  EXPECT_EQ(then("reset flag checkout-v2").name, "checkout-v2");
}

TEST(ThenTest, AWrongActionSaysWhichThereAre) {
  EXPECT_EQ(refused("rolback").suggestion, "rollback");
  EXPECT_EQ(refused("reset checkout-v2").suggestion, "reset flag");
  EXPECT_EQ(refused("rollback now").column, 10U);
  EXPECT_EQ(refused("run").message, "the name of a command should stand here");
  EXPECT_FALSE(refused("").message.empty());
}

}  // namespace
}  // namespace belay::rules
