#include <gtest/gtest.h>

#include "monitor/config/rule_file.h"

namespace belay::monitor {
namespace {

TEST(PacksTest, TheThreeShippedPacksAreCompiledIn) {
  std::vector<std::string> names;
  for (const Pack& pack : shipped_packs()) names.emplace_back(pack.name);
  EXPECT_EQ(names, (std::vector<std::string>{"packs/probes", "packs/queues", "packs/rollout"}));
}

TEST(PacksTest, EveryPackParsesWithoutEvenAWarningAndEveryRuleHasATest) {
  for (const Pack& pack : shipped_packs()) {
    const RuleFile file = load_rule_file(std::string(pack.name), ".");
    for (const rules::Located& fault : file.faults) ADD_FAILURE() << render(fault);
    for (const rules::Rule& rule : file.rules) {
      bool is_tested = false;
      for (const RuleTest& test : file.tests) {
        for (const Expected& expected : test.expect) {
          is_tested = is_tested ||
                      (expected.rule == rule.name && expected.state == Expected::State::firing &&
                       expected.when != Expected::When::never);
        }
      }
      EXPECT_TRUE(is_tested) << "no test sees " << rule.name << " fire";
      EXPECT_FALSE(rule.summary.empty()) << rule.name;
    }
  }
}

TEST(PacksTest, TheRuleTestsOfEveryPackPass) {
  for (const Pack& pack : shipped_packs()) {
    const RuleFile file = load_rule_file(std::string(pack.name), ".");
    const auto results = run_rule_tests(file.rules, file.tests);
    EXPECT_EQ(results.size(), file.tests.size());
    for (const RuleTestResult& result : results) {
      for (const std::string& failure : result.failures) {
        ADD_FAILURE() << result.place << " " << result.name << "\n  " << failure;
      }
    }
  }
}

}  // namespace
}  // namespace belay::monitor
