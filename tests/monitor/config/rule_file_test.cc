#include "monitor/config/rule_file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

RuleFile parse(std::string text) { return parse_rule_file("r.yaml", std::move(text)); }
std::string shown(const RuleFile& file) {
  std::string out;
  for (const rules::Located& fault : file.faults) out += render(fault);
  return out;
}

TEST(RuleFileTest, ReadsARuleWithEverythingInIt) {
  const RuleFile file = parse(
      "rules:\n"
      "  - name: gateway-5xx\n"
      "    when: 5xx rate > 5% over 1m, min 50 requests, for 30s\n"
      "    then: reset flag checkout-v2\n"
      "    severity: warning\n"
      "    services: [gateway, edge]\n"
      "    summary: Gateway answers with server errors\n"
      "    runbook: https://example.test/runbooks/gateway-5xx\n");
  ASSERT_EQ(file.rules.size(), 1U) << shown(file);
  const rules::Rule& rule = file.rules[0];
  EXPECT_EQ(rule.name, "gateway-5xx");
  EXPECT_EQ(rule.sentence.samples_min, 50U);
  EXPECT_EQ(rule.then.kind, rules::Then::Kind::reset_flag);
  EXPECT_EQ(rule.then.name, "checkout-v2");
  EXPECT_EQ(rule.severity, rules::Severity::warning);
  EXPECT_EQ(rule.services, (std::vector<std::string>{"gateway", "edge"}));
  EXPECT_EQ(rule.summary, "Gateway answers with server errors");
  EXPECT_EQ(rule.runbook, "https://example.test/runbooks/gateway-5xx");
  EXPECT_TRUE(file.faults.empty()) << shown(file);
}

TEST(RuleFileTest, AllFaultsOfAFileAreShownAtOnceWithPlaceCaretAndSuggestion) {
  const RuleFile file = parse(
      "rules:\n"
      "  - name: a\n"
      "    when: 5xx rate > 5 over 1m, min 50 requests\n"
      "    then: rolback\n"
      "  - name: a\n"
      "    wen: no data for 60s\n"
      "    then: rollback\n"
      "  - name: b\n"
      "    when: no data for 60s\n"
      "    then: rollback\n");
  EXPECT_TRUE(file.failed());
  EXPECT_TRUE(file.rules.empty());
  EXPECT_EQ(
      shown(file),
      "r.yaml:3:22: error: `5xx rate` is a share or a rate per second: write 5% or 5/s\n"
      "   3 |     when: 5xx rate > 5 over 1m, min 50 requests\n"
      "     |                      ^\n"
      "     = did you mean `5%`?\n"
      "r.yaml:4:11: error: an action is rollback, reset flag NAME, run NAME, pause or alert\n"
      "   4 |     then: rolback\n"
      "     |           ^~~~~~~\n"
      "     = did you mean `rollback`?\n"
      "r.yaml:5:5: error: \"when\" is missing in a rule\n"
      "   5 |   - name: a\n"
      "     |     ^\n"
      "r.yaml:5:11: error: a rule of this name stands in this file already\n"
      "   5 |   - name: a\n"
      "     |           ^\n"
      "r.yaml:6:5: error: \"wen\" is no key of a rule\n"
      "   6 |     wen: no data for 60s\n"
      "     |     ^~~\n"
      "     = did you mean `when`?\n"
      "r.yaml:10:11: error: `no data` and `sampling` can only pause or alert: blindness never "
      "rolls back\n"
      "  10 |     then: rollback\n"
      "     |           ^~~~~~~~\n"
      "     = did you mean `alert`?\n");
}

TEST(RuleFileTest, TheNameOfTheRuleThatATrainBringsIsTaken) {
  const RuleFile file = parse(
      "rules:\n  - {name: train, when: 5xx rate > 5% over 1m, min 50 requests, then: alert}\n");
  EXPECT_TRUE(file.failed());
  EXPECT_NE(shown(file).find("give this rule another name"), std::string::npos) << shown(file);
}

TEST(RuleFileTest, AWarningDoesNotRefuseTheFile) {
  const RuleFile file = parse("rules:\n  - {name: a, when: 5xx rate > 5% over 1m, then: alert}\n");
  EXPECT_FALSE(file.failed());
  EXPECT_EQ(file.rules.size(), 1U);
  ASSERT_EQ(file.faults.size(), 1U);
  EXPECT_EQ(file.faults[0].what.level, rules::Diagnostic::Level::warning);
}

TEST(RuleFileTest, ASentenceIsNotInterpolated) {
  const RuleFile file =
      parse("rules:\n  - {name: a, when: 'queue ~\"a${X}$\" depth > 5', then: alert}\n");
  EXPECT_FALSE(shown(file).find("environment") != std::string::npos);
}

TEST(RuleFileTest, APackIsFoundByItsNameAndAFileByItsPath) {
  EXPECT_FALSE(load_rule_file("packs/rollout", ".").rules.empty());
  const RuleFile wrong = load_rule_file("packs/rolout", ".");
  ASSERT_TRUE(wrong.failed());
  EXPECT_EQ(wrong.faults[0].what.suggestion, "packs/rollout");
  const auto folder = std::filesystem::path(testing::TempDir()) / "belay-rule-file";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "x.yaml") << "rules:\n  - {name: a, when: no data for 60s, then: alert}\n";
  EXPECT_EQ(load_rule_file("x.yaml", folder).rules.size(), 1U);
  EXPECT_TRUE(load_rule_file("y.yaml", folder).failed());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace belay::monitor
