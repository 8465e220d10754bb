#include "tests/style/code_checks.h"

#include <gtest/gtest.h>

namespace belay::style {
namespace {

TEST(CheckNoStdRegexTest, TheHeaderIsSeenAnywhere) {
  EXPECT_EQ(check_no_std_regex({"tests/a.cc", "#include <regex>"}).size(), 1U);
  EXPECT_TRUE(check_no_std_regex({"rules/a.cc", "#include <re2/re2.h>"}).empty());
}

TEST(CheckNoOrderedFieldLookupTest, OnlyTheUnorderedOneIsFree) {
  EXPECT_EQ(check_no_ordered_field_lookup({"monitor/a.cc", "doc.find_field(\"x\");"}).size(), 1U);
  EXPECT_TRUE(
      check_no_ordered_field_lookup({"monitor/a.cc", "doc.find_field_unordered(\"x\");"}).empty());
}

TEST(CheckNoSleepingTestsTest, EverySleepIsSeen) {
  EXPECT_EQ(check_no_sleeping_tests({"tests/a.cc", "\nstd::this_thread::sleep_for(1s);"})[0].line,
            2U);
  EXPECT_EQ(check_no_sleeping_tests({"tests/a.cc", "::sleep(1); usleep(2);"}).size(), 2U);
  EXPECT_EQ(check_no_sleeping_tests({"tests/a.py", "time.sleep(1)"}).size(), 1U);
}

TEST(CheckNoSleepingTestsTest, OnlyTestsAreHeldToIt) {
  EXPECT_TRUE(check_no_sleeping_tests({"monitor/a.cc", "sleep_for(1s);"}).empty());
  EXPECT_TRUE(check_no_sleeping_tests({"tests/a.mjs", "setTimeout(done, 10);"}).empty());
}

TEST(CheckNoEmptyCatchTest, ACommentIsNoBody) {
  EXPECT_EQ(check_no_empty_catch({"a.cc", "try { f(); } catch (...) {}"}).size(), 1U);
  EXPECT_EQ(check_no_empty_catch({"a.cc", "catch (const E& e) {\n  // never mind\n}"}).size(), 1U);
}

TEST(CheckNoEmptyCatchTest, ACatchThatAnswersIsFree) {
  EXPECT_TRUE(check_no_empty_catch({"a.cc", "catch (const E& e) { return fail(e); }"}).empty());
}

}  // namespace
}  // namespace belay::style
