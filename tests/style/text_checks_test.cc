#include "tests/style/text_checks.h"

#include <string>

#include <gtest/gtest.h>

namespace belay::style {
namespace {

TEST(CheckLengthTest, FourHundredLinesAreTheMost) {
  EXPECT_TRUE(check_length({"a.cc", std::string(400, '\n')}).empty());
  EXPECT_EQ(check_length({"a.cc", std::string(401, '\n')}).size(), 1U);
  EXPECT_EQ(check_length({"tests/x.mjs", std::string(401, '\n')}).size(), 1U);
}

TEST(CheckLengthTest, LockFilesAndRecordedInputAreExempt) {
  EXPECT_TRUE(check_length({"tests/npm/package-lock.json", std::string(900, '\n')}).empty());
  EXPECT_TRUE(check_length({"tests/data/x.js", std::string(900, '\n')}).empty());
}

TEST(CheckFileNameTest, EmptyWordsAreSeen) {
  EXPECT_EQ(check_file_name({"base/string_util.h", ""}).size(), 1U);
  EXPECT_EQ(check_file_name({"monitor/manager.cc", ""}).size(), 1U);
  EXPECT_EQ(check_file_name({"tests/test-helpers.mjs", ""}).size(), 1U);
  EXPECT_TRUE(check_file_name({"rules/utilization.h", ""}).empty());
}

TEST(CheckNoRegistryHostsTest, AHostIsSeenWithItsLine) {
  const std::string host = std::string("https://registry.npm") + "js.org/x";
  const Findings findings = check_no_registry_hosts({"package-lock.json", "\n" + host});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 2U);
}

TEST(CheckNoMachinePathsTest, ALeadingMachinePathIsSeen) {
  const std::string root = std::string("/wo") + "rk/";
  EXPECT_EQ(check_no_machine_paths({"a.md", "see " + root + "x"}).size(), 1U);
  EXPECT_EQ(check_no_machine_paths({"a.md", root}).size(), 1U);
  EXPECT_TRUE(check_no_machine_paths({"a.md", "https://example.com" + root + "x"}).empty());
}

}  // namespace
}  // namespace belay::style
