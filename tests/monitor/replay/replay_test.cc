#include "monitor/replay/replay.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/replay/recording.h"
#include "rules/language/parser.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Ge;
using testing::Pair;

constexpr std::int64_t kStartMs = 1'795'182'320'000;

std::string event(std::int64_t ms, int status = 200) {
  return "{\"ts\":" + std::to_string(kStartMs + ms) +
         ",\"service\":\"shop\",\"status\":" + std::to_string(status) + "}\n";
}

Replay::Options options(const std::string& sentence = "5xx rate > 5% over 10s, min 5 requests") {
  rules::ServicePlan plan;
  plan.rules = {{.name = "bad", .sentence = *rules::parse_sentence(sentence).sentence}};
  Replay::Options options;
  options.plan.any_service = plan;
  return options;
}

/// What a replay said, as text, so that two can be compared byte for byte.
struct Said {
  std::vector<Instant> steps;
  std::string notices;
  Replay::Summary summary;
};

Said replay(const std::string& text, std::size_t piece = 1 << 20) {
  Said said;
  Replay replay{options(), [&](const rules::Step& step, Instant now) {
                  said.steps.push_back(now);
                  for (const rules::Notice& notice : step.notices) {
                    said.notices += format_utc(notice.at) + " " + notice.headline + "\n";
                  }
                }};
  for (std::size_t at = 0; at < text.size(); at += piece) replay.feed(text.substr(at, piece));
  replay.end_of_file();
  replay.finish();
  said.summary = replay.summary();
  return said;
}

std::uint64_t sum_of(const std::map<std::string, std::uint64_t>& rejected) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : rejected) sum += count;
  return sum;
}

TEST(ReplayTest, StepsEveryQuarterOfASecondOfTheRecordingsOwnTime) {
  const Said said = replay(event(100) + event(1300));
  ASSERT_GE(said.steps.size(), 2U);
  EXPECT_EQ(said.steps.front(), from_unix_ms(kStartMs));
  for (std::size_t i = 1; i < said.steps.size(); ++i) {
    EXPECT_EQ(said.steps[i] - said.steps[i - 1], 250ms);
  }
  EXPECT_GE(said.steps.back(), from_unix_ms(kStartMs + 1300));
  EXPECT_LT(said.steps.back(), from_unix_ms(kStartMs + 1300) + 250ms);
}

TEST(ReplayTest, ARuleFiresAtTheTimeOfTheRecording) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += event(i * 100, i < 150 ? 200 : 500);
  const Said said = replay(text);
  EXPECT_THAT(said.notices, testing::HasSubstr("2026-11-20T"));
  EXPECT_EQ(said.summary.documents, 300U);
  EXPECT_EQ(said.summary.used, 300U);
}

TEST(ReplayTest, TheSameBytesGiveTheSameAnswersHoweverTheyAreCut) {
  const std::string text = test::content_of(test::data_path("samples/tail-prodlike.ndjson"));
  ASSERT_FALSE(text.empty());
  const Said whole = replay(text);
  for (const std::size_t piece : {std::size_t{77}, std::size_t{4096}}) {
    const Said cut = replay(text, piece);
    EXPECT_EQ(cut.notices, whole.notices);
    EXPECT_EQ(cut.steps, whole.steps);
    EXPECT_EQ(cut.summary.used, whole.summary.used);
  }
}

TEST(ReplayTest, EveryDocumentIsAccountedFor) {
  const Said said = replay(event(0) + "no json\n{\"ts\":1}\n" + event(100) + "{\"half\":");
  EXPECT_EQ(said.summary.documents, 5U);
  EXPECT_EQ(said.summary.used, 2U);
  EXPECT_EQ(said.summary.used + sum_of(said.summary.rejected), said.summary.documents);
}

TEST(ReplayTest, ALateEventCountsAndDoesNotTurnTimeBack) {
  const Said said = replay(event(5000) + event(1000) + event(6000));
  EXPECT_TRUE(std::ranges::is_sorted(said.steps));
  EXPECT_EQ(said.summary.used, 3U);
}

TEST(ReplayTest, AJumpOfMoreThanADayIsRefusedAndCounted) {
  const std::string text = event(0) + event(1000) + event(25 * 3'600'000) + event(2000);
  Replay replay{options(), [](const rules::Step&, Instant) {}};
  replay.feed(text);
  replay.end_of_file();
  replay.finish();
  ASSERT_TRUE(replay.jump());
  EXPECT_EQ(replay.jump()->event, 2U);
  EXPECT_GT(replay.jump()->ahead, 24h);
  const Replay::Summary summary = replay.summary();
  EXPECT_THAT(summary.rejected, Contains(Pair("time_jump", 1U)));
  EXPECT_EQ(summary.used, 3U);
  const test::TemporaryDirectory directory;
  const auto file = directory.write("recording.ndjson", text);
  EXPECT_EQ(line_of_event(file.string(), {}, replay.jump()->event), 3U);
}

TEST(ReplayTest, ALongSilenceWithinADayIsSteppedThrough) {
  const Said said = replay(event(0) + event(5 * 3'600'000));
  EXPECT_EQ(said.summary.used, 2U);
  EXPECT_EQ(said.summary.rejected.size(), 0U);
}

TEST(RecordingTest, WhatCannotBeReadIsAnErrorThatNamesIt) {
  const Status read = read_recording("/no/such/file", [](std::string_view) { return true; });
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::HasSubstr("/no/such/file"));
  const test::TemporaryDirectory directory;
  EXPECT_FALSE(read_recording(directory.path().string(), [](std::string_view) { return true; }));
}

TEST(RecordingTest, AnEmptyFileHasNoPieces) {
  const test::TemporaryDirectory directory;
  int pieces = 0;
  EXPECT_TRUE(read_recording(directory.write("empty", "").string(), [&](std::string_view) {
    ++pieces;
    return true;
  }));
  EXPECT_EQ(pieces, 0);
}

}  // namespace
}  // namespace belay::monitor
