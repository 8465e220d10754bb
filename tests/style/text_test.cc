#include "tests/style/text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace belay::style {
namespace {

using Lines = std::vector<std::size_t>;

TEST(CodeOnlyTest, BlanksCommentsAndKeepsLines) {
  EXPECT_EQ(code_only("a; // b\nc /* d\n e */ f"), "a;     \nc     \n      f");
}

TEST(CodeOnlyTest, BlanksTheInsidesOfLiterals) {
  EXPECT_EQ(code_only(R"cpp(f("a\"b", 'c');)cpp"), R"cpp(f("    ", ' ');)cpp");
}

TEST(CodeOnlyTest, BlanksRawStringsWithTheirIncludes) {
  const std::string code = code_only("x = R\"q(\n#include \"a/b.h\"\n)q\"; y");
  EXPECT_TRUE(includes_of(code).empty());
  EXPECT_TRUE(code.ends_with("; y"));
}

TEST(CodeOnlyTest, ADigitSeparatorOpensNoLiteral) {
  EXPECT_EQ(code_only("f(1'000, x); g(2'000)"), "f(1'000, x); g(2'000)");
}

TEST(IncludesOfTest, TellsQuotesFromAngles) {
  const auto includes = includes_of(code_only("#include <a>\n#include \"b/c.h\"  // why\n"));
  ASSERT_EQ(includes.size(), 2U);
  EXPECT_EQ(includes[0].target, "a");
  EXPECT_FALSE(includes[0].quoted);
  EXPECT_EQ(includes[1].target, "b/c.h");
  EXPECT_TRUE(includes[1].quoted);
  EXPECT_EQ(includes[1].line, 2U);
}

TEST(LinesWithWordTest, TakesWholeWordsOnly) {
  EXPECT_EQ(lines_with_word("snprintf(a);\nprintf(b);\nprintf_x", "printf"), Lines{2});
}

TEST(LinesWithWordTest, TakesCallsOnlyWhenAsked) {
  EXPECT_EQ(lines_with_word("time x;\ntime (y)", "time", true), Lines{2});
}

}  // namespace
}  // namespace belay::style
