#include "rules/language/located.h"

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

Diagnostic wrong(std::uint32_t column, std::uint32_t length, std::string suggestion = {}) {
  return {Diagnostic::Level::error, column, length, "wrong", std::move(suggestion)};
}

TEST(LocatedTest, ShowsPlaceLineCaretAndSuggestion) {
  const Located located{"a.yaml", 12, wrong(19, 2, "5%"), "    when: 5xx rate > 5 over"};
  EXPECT_EQ(render(located),
            "a.yaml:12:19: error: wrong\n"
            "  12 |     when: 5xx rate > 5 over\n"
            "     |                   ^~\n"
            "     = did you mean `5%`?\n");
}

TEST(LocatedTest, CaretStandsUnderTheCharacterNotTheByte) {
  EXPECT_EQ(render(wrong(4, 1), "é x", "when"),
            "when:4: error: wrong\n"
            "     | é x\n"
            "     |   ^\n");
}

TEST(LocatedTest, CaretBehindTheEndOfTheSentenceStandsBehindIt) {
  EXPECT_EQ(render(wrong(4, 1), "abc", "when"), "when:4: error: wrong\n     | abc\n     |    ^\n");
}

TEST(LocatedTest, HostileBytesReachTheTerminalSpelledOut) {
  const std::string shown = render(wrong(6, 1), "\x1b[31mX", "when");
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
  EXPECT_NE(shown.find("\\x1B[31mX"), std::string::npos) << shown;
}

TEST(LocatedTest, ALongRunOfBytesThatAreNoCharactersIsShownAndDoesNotCrash) {
  const std::string line = "a" + std::string(300, '\x9a');
  for (const std::uint32_t column : {1U, 2U, 150U, 301U, 302U}) {
    EXPECT_FALSE(render(wrong(column, 1), line, "when").empty()) << column;
  }
}

TEST(LocatedTest, ALongLineIsCutAroundThePlace) {
  const std::string shown = render(wrong(1001, 1), std::string(2000, 'a'), "when");
  EXPECT_LT(shown.size(), 450U);
  EXPECT_NE(shown.find("…"), std::string::npos);
}

}  // namespace
}  // namespace belay::rules
