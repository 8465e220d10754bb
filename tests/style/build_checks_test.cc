#include "tests/style/build_checks.h"

#include <vector>

#include <gtest/gtest.h>

namespace belay::style {
namespace {

TEST(CheckEverySourceIsBuiltTest, AFileThatNoListNamesIsSeen) {
  const std::vector<File> tree = {
      {"rules/CMakeLists.txt", "lib(SOURCES b.cc) # a.cc"}, {"rules/a.cc", ""}, {"rules/b.cc", ""}};
  const Findings findings = check_every_source_is_built(tree);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].path, "rules/a.cc");
}

TEST(CheckEverySourceIsBuiltTest, AListAboveMayNameIt) {
  const std::vector<File> tree = {{"rules/CMakeLists.txt", "lib(windows/ring.cc)"},
                                  {"rules/windows/ring.cc", ""}};
  EXPECT_TRUE(check_every_source_is_built(tree).empty());
}

TEST(CheckEverySourceIsBuiltTest, ANamesakeElsewhereDoesNotCount) {
  const std::vector<File> tree = {{"base/CMakeLists.txt", "lib(a.cc)"}, {"rules/a.cc", ""}};
  EXPECT_EQ(check_every_source_is_built(tree).size(), 1U);
}

TEST(CheckEveryListIsAddedTest, AListThatNoOtherAddsIsSeen) {
  const std::vector<File> tree = {{"CMakeLists.txt", "add_subdirectory(rules)"},
                                  {"base/CMakeLists.txt", ""},
                                  {"rules/CMakeLists.txt", ""}};
  const Findings findings = check_every_list_is_added(tree);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].path, "base/CMakeLists.txt");
}

TEST(CheckNamedTestsExistTest, ANameThatNoTestHasIsSeen) {
  const std::vector<File> tree = {
      {"tests/README.md",
       "| kill | `KillTest.Dies`, `KillTest.*`, `--seed N` |\n| `GoneTest.Is` |"},
      {"tests/kill_test.cc", "TEST_P(KillTest, Dies) {}"}};
  const Findings findings = check_named_tests_exist(tree);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 2U);
  EXPECT_EQ(findings[0].what, "no test GoneTest.Is");
}

}  // namespace
}  // namespace belay::style
