#include "tests/style/house_checks.h"

#include <gtest/gtest.h>

namespace belay::style {
namespace {

TEST(CheckArrowsTest, RulesMustNotSeeMonitor) {
  const Findings findings = check_arrows({"rules/a.cc", "// x\n#include \"monitor/clock.h\"\n"});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 2U);
}

TEST(CheckArrowsTest, EachForbiddenArrowIsSeen) {
  EXPECT_EQ(check_arrows({"base/a.h", "#include \"net/http.h\""}).size(), 1U);
  EXPECT_EQ(check_arrows({"net/a.h", "#include \"rules/engine.h\""}).size(), 1U);
  EXPECT_EQ(check_arrows({"rules/x/a.h", "#include \"net/http.h\""}).size(), 1U);
  EXPECT_EQ(check_arrows({"exporters/a.h", "#include \"monitor/inbox.h\""}).size(), 1U);
  EXPECT_EQ(check_arrows({"monitor/a.h", "#include \"tests/support/paths.h\""}).size(), 1U);
}

TEST(CheckArrowsTest, TheAllowedArrowsAreFree) {
  EXPECT_TRUE(check_arrows({"exporters/a.h", "#include \"rules/engine.h\""}).empty());
  EXPECT_TRUE(check_arrows({"monitor/a.h", "#include \"exporters/slack.h\""}).empty());
  EXPECT_TRUE(check_arrows({"rules/a.h", "#include \"base/result.h\"\n#include <vector>"}).empty());
}

TEST(CheckArrowsTest, OwnHeadersAreQuotedAndNamedFromTheRoot) {
  EXPECT_EQ(check_arrows({"rules/a.h", "#include \"engine.h\""}).size(), 1U);
  EXPECT_EQ(check_arrows({"monitor/a.h", "#include <rules/engine.h>"}).size(), 1U);
}

TEST(CheckPurityTest, IoHeadersAreSeen) {
  EXPECT_EQ(check_purity({"rules/a.cc", "#include <fstream>"}).size(), 1U);
  EXPECT_EQ(check_purity({"base/a.h", "#include <mutex>"}).size(), 1U);
  EXPECT_TRUE(check_purity({"monitor/a.cc", "#include <fstream>"}).empty());
}

TEST(CheckPurityTest, ClocksAreSeenButDurationsAreFree) {
  EXPECT_EQ(check_purity({"rules/a.cc", "auto t = std::chrono::steady_clock::now();"}).size(), 1U);
  EXPECT_TRUE(check_purity({"rules/a.cc", "#include <chrono>\nstd::chrono::seconds s;"}).empty());
  EXPECT_TRUE(check_purity({"rules/a.cc", "// no system_clock here\n"}).empty());
}

TEST(CheckPurityTest, PrintingIsSeenButSnprintfIsFree) {
  EXPECT_EQ(check_purity({"rules/a.cc", "std::printf(\"x\");"}).size(), 1U);
  EXPECT_TRUE(check_purity({"rules/a.cc", "std::snprintf(b, n, \"x\");"}).empty());
  EXPECT_TRUE(check_purity({"base/check.cc", "std::fputs(text, stderr);"}).empty());
}

TEST(CheckThirdPartyTest, Re2IsForRulesAlone) {
  EXPECT_TRUE(check_third_party_in_pure_code({"rules/a.cc", "#include <re2/re2.h>"}).empty());
  EXPECT_EQ(check_third_party_in_pure_code({"base/a.cc", "#include <re2/re2.h>"}).size(), 1U);
}

TEST(CheckThirdPartyTest, OtherLibrariesAndSystemHeadersAreSeen) {
  EXPECT_EQ(check_third_party_in_pure_code({"rules/a.cc", "#include <nlohmann/json.hpp>"}).size(),
            1U);
  EXPECT_EQ(check_third_party_in_pure_code({"rules/a.cc", "#include <sys/stat.h>"}).size(), 1U);
  EXPECT_TRUE(check_third_party_in_pure_code({"monitor/a.cc", "#include <sys/stat.h>"}).empty());
}

TEST(CheckForbiddenLibrariesTest, HttplibIsForOurOwnPeers) {
  EXPECT_EQ(check_forbidden_libraries({"monitor/api.cc", "#include <httplib.h>"}).size(), 1U);
  EXPECT_TRUE(check_forbidden_libraries({"monitor/demo/shop.cc", "#include <httplib.h>"}).empty());
  EXPECT_TRUE(check_forbidden_libraries({"tests/net/x.cc", "#include <httplib.h>"}).empty());
}

TEST(CheckForbiddenLibrariesTest, TheExposerIsForNobody) {
  EXPECT_EQ(check_forbidden_libraries({"tests/a.cc", "#include <prometheus/exposer.h>"}).size(),
            1U);
}

}  // namespace
}  // namespace belay::style
