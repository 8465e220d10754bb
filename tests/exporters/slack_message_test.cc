// Goal: a message that Slack takes whatever a notice holds, and that says what a person must know.
// Method: the JSON read back, checked against Slack's limits, over ordinary and hostile notices.

#include "exporters/slack_message.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/exporters/example_snapshot.h"

namespace belay::exporters {
namespace {

using nlohmann::json;
using rules::Notice;
using testing::HasSubstr;
using testing::Not;

const CommandsByService kCommands = {
    {"shop",
     {.undo = "wrangler versions deploy {candidate}@100% -y",
      .logs = "wrangler tail shop --version-id {candidate} --format pretty"}}};

Notice rolled_back() {
  Notice notice{.kind = Notice::Kind::acted,
                .at = from_unix_ms(1'763'640'000'000),
                .service = "shop",
                .rule = "shop-5xx",
                .candidate = "v2",
                .baseline = "v1",
                .headline = "shop: done: roll back from v2 to v1",
                .details = {"Watching for 5m whether it helped"},
                .intent = "0d5a0000-0000-4000-8000-000000000001"};
  notice.evidence.push_back(test::example_evidence());
  return notice;
}

json message(std::vector<Notice> notices, std::uint64_t dropped = 0) {
  return json::parse(
      slack_message({.notices = std::move(notices), .dropped_before = dropped}, kCommands));
}

/// Every text of the message, whatever block it stands in.
void collect_texts(const json& node, std::vector<json>& texts) {
  if (node.is_object() && node.contains("type") && node.contains("text") &&
      node.at("text").is_string()) {
    texts.push_back(node);
  }
  if (node.is_structured()) {
    for (const json& child : node) collect_texts(child, texts);
  }
}

void expect_within_limits(const std::string& body) {
  EXPECT_LT(body.size(), 13'000U);
  const json parsed = json::parse(body);
  EXPECT_FALSE(parsed.at("text").get<std::string>().empty());
  std::size_t blocks = 0;
  for (const json& attachment : parsed.at("attachments")) {
    blocks += attachment.at("blocks").size();
    for (const json& block : attachment.at("blocks")) {
      const std::size_t bytes_max = block.at("type") == "header" ? 150 : 3'000;
      std::vector<json> texts;
      collect_texts(block, texts);
      EXPECT_FALSE(texts.empty());
      for (const json& text : texts) {
        const auto said = text.at("text").get<std::string>();
        EXPECT_LE(said.size(), bytes_max);
        EXPECT_FALSE(said.empty());
        EXPECT_EQ(said.find_first_of("<>"), std::string::npos) << said;
        if (text.at("type") == "mrkdwn") {
          EXPECT_EQ(text.at("verbatim"), true);
        }
      }
    }
  }
  EXPECT_LE(blocks, 50U);
}

TEST(SlackMessage, SaysWhatFiredAndWhatWasDoneAndHowToUndoIt) {
  const json sent = message({rolled_back()});
  EXPECT_EQ(sent.at("text"), "shop: done: roll back from v2 to v1");
  const std::string all = sent.dump();
  EXPECT_THAT(all, HasSubstr("Acted: shop"));
  EXPECT_THAT(all, HasSubstr("5xx rate 12.4% (31 of 250) &gt; 5% over 1m"));
  EXPECT_THAT(all, HasSubstr("Watching for 5m"));
  EXPECT_THAT(all, HasSubstr("```wrangler versions deploy v2@100% -y```"));
  EXPECT_THAT(all, HasSubstr("```wrangler tail shop --version-id v2 --format pretty```"));
  EXPECT_THAT(all, HasSubstr("candidate v2"));
  EXPECT_THAT(all, HasSubstr("2025-11-20T12:00:00.000Z"));
  expect_within_limits(sent.dump());
}

TEST(SlackMessage, WhatComesLateSaysWhenItIsFrom) {
  Notice old = rolled_back();
  Notice young = rolled_back();
  young.headline = "shop: recovered";
  const json told = json::parse(slack_message({.notices = {old, young}, .late = 1}, kCommands));
  EXPECT_EQ(
      told.at("text"),
      "shop: done: roll back from v2 to v1 (from 12:00:00Z, delivered late)\nshop: recovered");
  EXPECT_EQ(told.at("attachments").at(0).at("fallback"),
            "shop: done: roll back from v2 to v1 (from 12:00:00Z, delivered late)");
}

TEST(SlackMessage, ColoursBySeverityAndOutcome) {
  const auto colour = [](Notice::Kind kind, rules::Severity severity) {
    return message({{.kind = kind, .severity = severity, .headline = "x"}})
        .at("attachments")
        .at(0)
        .at("color")
        .get<std::string>();
  };
  const auto critical = colour(Notice::Kind::fired, rules::Severity::critical);
  const auto warning = colour(Notice::Kind::fired, rules::Severity::warning);
  const auto good = colour(Notice::Kind::recovered, rules::Severity::critical);
  EXPECT_NE(critical, warning);
  EXPECT_NE(critical, good);
  EXPECT_EQ(colour(Notice::Kind::not_recovered, rules::Severity::warning), critical);
  EXPECT_EQ(colour(Notice::Kind::cleared, rules::Severity::warning), good);
}

TEST(SlackMessage, OffersNoUndoForWhatBelayDidNotDo) {
  Notice fired = rolled_back();
  fired.kind = Notice::Kind::fired;
  const std::string all = message({fired}).dump();
  EXPECT_THAT(all, Not(HasSubstr("versions deploy")));
  EXPECT_THAT(all, HasSubstr("wrangler tail"));
}

TEST(SlackMessage, DoesNotRepeatEvidenceThatTheDetailsTell) {
  Notice notice = rolled_back();
  notice.details.push_back("5xx rate: " + describe(notice.evidence.front()));
  const std::string all = message({notice}).dump();
  const std::size_t first = all.find("12.4%");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(all.find("12.4%", first + 1), std::string::npos);
}

TEST(SlackMessage, ACommandIsNotCutOff) {
  Notice notice;
  notice.headline = "could not roll back";
  const std::string command = "by hand: " + std::string(rules::kByHandBytesMax - 4, 'x') + " end";
  notice.details = {command};
  EXPECT_THAT(lines_of(notice), testing::ElementsAre(command));
}

TEST(SlackMessage, DoesNotRepeatWhatTheHeadlineTells) {
  Notice notice = rolled_back();
  const std::string said = describe(notice.evidence.front());
  notice.headline = "shop: did not roll back: cooldown: 56s ago; 5xx rate " + said;
  notice.details = {"why not: cooldown: 56s ago", "5xx rate: " + said, "mode: cooldown"};
  EXPECT_THAT(lines_of(notice), testing::ElementsAre("mode: cooldown"));
}

TEST(SlackMessage, SaysNothingTwiceInOneMessage) {
  Notice again = rolled_back();
  again.kind = Notice::Kind::recovered;
  const json sent = message({rolled_back(), again});
  EXPECT_EQ(sent.at("text"), "shop: done: roll back from v2 to v1");
  EXPECT_EQ(sent.at("attachments").size(), 2U);
  const std::string all = sent.dump();
  const std::size_t first = all.find("Watching for 5m");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(all.find("Watching for 5m", first + 1), std::string::npos) << all;
}

TEST(SlackMessage, OffersToUndoARollbackAndNoOtherAction) {
  Notice notice = rolled_back();
  for (const bool is_rollback : {true, false}) {
    if (!is_rollback) notice.headline = "shop: recovered after: reset flag checkout";
    const std::string body = slack_message({.notices = {notice}}, kCommands);
    EXPECT_EQ(body.find("To undo what Belay did") != std::string::npos, is_rollback);
  }
}

TEST(SlackMessage, MakesHostileTextHarmless) {
  Notice notice = rolled_back();
  const std::string hostile =
      "<!channel> <https://evil.example|click> *bold* @here ```\x1b[31m\xff & co\n:tada:";
  notice.headline = notice.rule = notice.service = hostile;
  notice.details = {hostile};
  const std::string body =
      slack_message({.notices = {notice}}, {{hostile, {.undo = hostile, .logs = hostile}}});
  expect_within_limits(body);
  EXPECT_THAT(body, Not(HasSubstr("<!channel>")));
  EXPECT_THAT(body, HasSubstr("&lt;!channel&gt;"));
  EXPECT_THAT(body, HasSubstr("&amp; co"));
  const json parsed = json::parse(body);
  EXPECT_EQ(parsed.at("mrkdwn"), false);
  EXPECT_EQ(parsed.at("link_names"), false);
  std::vector<json> texts;
  collect_texts(parsed, texts);
  for (const json& text : texts) {
    const auto said = text.at("text").get<std::string>();
    EXPECT_EQ(said.find('\x1b'), std::string::npos);
    // Only our own commands are formatted, and nothing in them ends their frame.
    if (text.at("type") == "mrkdwn") {
      EXPECT_EQ(std::count(said.begin(), said.end(), '`'), 6) << said;
    } else {
      EXPECT_EQ(text.at("emoji"), false);
    }
  }
}

TEST(SlackMessage, FillsCommandsWithPlainIdsOnly) {
  Notice notice = rolled_back();
  EXPECT_EQ(filled("deploy {candidate} not {baseline} on {service} {else}", notice),
            "deploy v2 not v1 on shop {else}");
  EXPECT_EQ(filled("tail {service}[ --version-id {candidate}] -f", notice),
            "tail shop --version-id v2 -f");
  for (const char* id : {"v2; rm -rf ~", "$(id)", "-rf", "", "a b", "`id`", "a\nb"}) {
    notice.candidate = id;
    EXPECT_EQ(filled("deploy {candidate}", notice), "deploy {candidate}");
    EXPECT_EQ(filled("tail {service}[ --version-id {candidate}] -f", notice), "tail shop -f");
  }
}

TEST(SlackMessage, StaysWithinSlacksLimitsWhateverItHolds) {
  for (const std::string& piece : {std::string("&"), std::string("\""), std::string("\xff"),
                                   std::string("ä"), std::string("word ")}) {
    std::string huge;
    while (huge.size() < 50'000) huge += piece;
    Notice notice = rolled_back();
    notice.headline = notice.rule = huge;
    notice.details.assign(100, huge);
    expect_within_limits(
        slack_message({.notices = {4, notice}}, {{"shop", {.undo = huge, .logs = huge}}}));
  }
}

TEST(SlackMessage, TellsHowManyWereDropped) {
  EXPECT_THAT(message({rolled_back()}, 17).at("text").get<std::string>(),
              HasSubstr("17 older messages were dropped"));
}

TEST(SlackMessage, TellsEachOfSeveralNotices) {
  Notice other = rolled_back();
  other.headline = "shop: recovered";
  const json sent = message({rolled_back(), other});
  EXPECT_EQ(sent.at("text"), "shop: done: roll back from v2 to v1\nshop: recovered");
  EXPECT_EQ(sent.at("attachments").size(), 2U);
}

}  // namespace
}  // namespace belay::exporters
