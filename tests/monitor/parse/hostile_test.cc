// What a flood of hostile text must not hide.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/monitor/parse/parsed.h"

namespace belay::monitor {
namespace {

using test::Parsed;

TEST(HostileTest, AFloodOfRoutesHidesNoVersionAndNoOutcome) {
  const auto event = [](const std::string& route, const char* version, const char* outcome) {
    return R"({"ts":1795182320647,"service":"shop","route":"/)" + route + R"(","version":")" +
           version + R"(","outcome":")" + outcome + "\"}\n";
  };
  Parsed result;
  std::string flood;
  for (int i = 0; i < 25'000; ++i) {
    std::string word;  // Digits would be taken for an id.
    for (int rest = i; rest > 0; rest /= 20) word += static_cast<char>('g' + rest % 20);
    flood += event("r" + word, "v1", "ok");
  }
  result.all(flood + event("late", "v2", "canceled"));
  const rules::Request last = result.requests().back();
  EXPECT_EQ(result.text(last.route), "other");
  EXPECT_EQ(result.text(last.version), "v2");
  EXPECT_EQ(result.text(last.outcome), "canceled");
}

TEST(HostileTest, AFloodOfMethodsMakesNoClientThatLeftAnError) {
  const auto event = [](const std::string& method, const char* outcome) {
    return R"({"ts":1795182320647,"service":"shop","method":")" + method + R"(","outcome":")" +
           outcome + "\"}\n";
  };
  Parsed result;
  std::string flood = event("GET", "ok");
  for (int i = 0; i < 2'000; ++i) flood += event("M" + std::to_string(i), "ok");
  result.all(flood + event("canceled", "canceled") + event("GET", "ok"));
  const std::vector<rules::Request> requests = result.requests();
  EXPECT_EQ(result.text(requests[2'001].method), "other");
  EXPECT_EQ(result.text(requests[2'001].outcome), "canceled");
  EXPECT_EQ(result.text(requests[2'002].method), "GET");
}

TEST(HostileTest, TheFirstOfEachReasonIsKeptAndHarmless) {
  Parsed result;
  result.all("\033[31mred\nsecond\n");
  EXPECT_EQ(result.rejected("not_json"), 2U);
  EXPECT_EQ(result.parser.first_rejected().at("not_json"), "\\x1B[31mred");
}

}  // namespace
}  // namespace belay::monitor
