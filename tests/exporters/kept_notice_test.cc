// Goal: a message that was kept is told as it would have been, and nothing else is taken for one.

#include "exporters/kept_notice.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/notice_text.h"
#include "tests/exporters/spool_fixture.h"

namespace belay::exporters {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(KeptNotice, ComesBackAsItWouldHaveBeenTold) {
  rules::Evidence evidence{.what = "error rate", .truth = rules::Truth::bad};
  evidence.value = 0.124;
  evidence.has_value = true;
  rules::Notice told = notice("shop: \"v2\" failed");
  told.severity = rules::Severity::warning;
  told.rule = "errs";
  told.candidate = "v2";
  told.baseline = "v1";
  told.intent = "6f1c";
  told.details = {"why: it is 12.4%", "a line\nof logs \x1b[31m"};
  told.evidence = {evidence};
  const std::string text = text_of(KeptNotice{.route = "slack", .notice = told});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto kept = kept_notice_of(text);
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->route, "slack");
  EXPECT_EQ(kept->notice.kind, told.kind);
  EXPECT_EQ(kept->notice.page, told.page);
  EXPECT_EQ(kept->notice.severity, told.severity);
  EXPECT_EQ(kept->notice.service, told.service);
  EXPECT_EQ(kept->notice.headline, told.headline);
  EXPECT_EQ(origin_of(kept->notice), origin_of(told));
  EXPECT_EQ(lines_of(kept->notice), lines_of(told));
  EXPECT_THAT(lines_of(told), SizeIs(3));
}

/// The compiler complains of a kind that is missing here.
constexpr bool is_last(rules::Notice::Kind kind) {
  using Kind = rules::Notice::Kind;
  switch (kind) {
    case Kind::fired:
    case Kind::cleared:
    case Kind::would_act:
    case Kind::acting:
    case Kind::acted:
    case Kind::not_acted:
    case Kind::recovered:
    case Kind::not_recovered:
    case Kind::inconclusive:
    case Kind::rollout_ended:
    case Kind::rollout_started:
    case Kind::rollout_moved:
    case Kind::rollout_held:
    case Kind::source_lost:
    case Kind::unknown_too_long:
      return false;
    case Kind::source_back:
      return true;
  }
  return true;
}

TEST(KeptNotice, EveryKindComesBack) {
  bool was_last = false;
  for (int kind = 0; !was_last; ++kind) {
    rules::Notice one = notice("a");
    one.kind = static_cast<rules::Notice::Kind>(kind);
    was_last = is_last(one.kind);
    const auto kept = kept_notice_of(text_of(KeptNotice{.route = "slack", .notice = one}));
    ASSERT_TRUE(kept.has_value()) << name_of(one.kind);
    EXPECT_EQ(kept->notice.kind, one.kind);
  }
}

TEST(KeptNotice, StaysWithinItsBoundWhateverItHolds) {
  rules::Notice big = notice(std::string(100'000, '"'));
  big.rule = big.service = big.candidate = std::string(100'000, '\\');
  for (int i = 0; i < 1'000; ++i) {
    big.details.push_back(std::to_string(i) + std::string(100'000, '"'));
  }
  const std::string text = text_of(KeptNotice{.route = "slack", .notice = big});
  EXPECT_LE(text.size(), kKeptBytesMax);
  const auto kept = kept_notice_of(text);
  ASSERT_TRUE(kept.has_value());
  EXPECT_THAT(kept->notice.details.back(), HasSubstr("and more"));
}

TEST(KeptNotice, NothingHappenedBeforeTimeBegan) {
  rules::Notice one = notice("a");
  one.at = Instant{Duration{std::numeric_limits<std::int64_t>::min()}};
  EXPECT_FALSE(kept_notice_of(text_of(KeptNotice{.route = "slack", .notice = one})).has_value());
}

TEST(KeptNotice, NothingElseIsTaken) {
  for (const char* text : {"", "7", "[]", "{}", R"({"to":"slack"})", "{\"to\":\"sl"}) {
    EXPECT_FALSE(kept_notice_of(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace belay::exporters
