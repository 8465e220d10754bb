#include "monitor/config/rule_test.h"

#include <gtest/gtest.h>

#include "monitor/config/rule_file.h"
#include "monitor/config/rule_test_series.h"

namespace belay::monitor {
namespace {

constexpr std::string_view kRules =
    "rules:\n"
    "  - {name: a, when: '5xx rate > 5% over 10s, min 10 requests', then: alert}\n"
    "  - {name: b, when: candidate worse than baseline, then: rollback}\n"
    "tests:\n";

RuleFile parse(const std::string& tests) {
  return parse_rule_file("r.yaml", std::string(kRules) + tests);
}
std::string faults(const std::string& tests) {
  std::string out;
  for (const rules::Located& fault : parse(tests).faults) {
    out += std::to_string(fault.line) + ":" + std::to_string(fault.what.column) + " " +
           fault.what.message + (fault.what.suggestion.empty() ? "" : " -> ") +
           fault.what.suggestion + "\n";
  }
  return out;
}
std::vector<std::string> failures(const std::string& tests) {
  const RuleFile file = parse(tests);
  for (const rules::Located& fault : file.faults) ADD_FAILURE() << render(fault);
  const auto results = run_rule_tests(file.rules, file.tests);
  return results.empty() ? std::vector<std::string>{"no test"} : results.front().failures;
}

TEST(RuleTestTest, ATestThatHoldsPasses) {
  EXPECT_EQ(failures("  - name: t\n    rule: a\n"
                     "    given: [{to: 30s, requests: 10/s, errors: 50%}]\n"
                     "    expect: [{first: firing, at: 1s}, {at: 30s, state: firing}]\n"),
            std::vector<std::string>{});
}

TEST(RuleTestTest, ATestThatDoesNotHoldSaysWhenAndWhatWasThere) {
  const auto found = failures(
      "  - name: t\n    rule: a\n"
      "    given: [{to: 30s, requests: 10/s, errors: 50%}]\n"
      "    expect:\n"
      "      - {at: 20s, state: fine}\n"
      "      - {never: firing}\n"
      "      - {first: firing, at: 9s}\n"
      "      - {first: pending, at: 30s}\n");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[3], "r.yaml:12:9: a was not pending by 30s");
  std::string all;
  for (const std::string& failure : found) all += failure + "\n";
  EXPECT_NE(all.find("r.yaml:9:9: a at 20s: expected fine, was firing: 50% (45 of 90)"),
            std::string::npos)
      << all;
  EXPECT_NE(all.find("r.yaml:10:9: a at 1s: never expected firing, was firing"), std::string::npos)
      << all;
  EXPECT_NE(all.find("r.yaml:11:9: a at 1s: already firing"), std::string::npos) << all;
}

TEST(RuleTestTest, AllFaultsOfATestAreShown) {
  EXPECT_EQ(
      faults("  - name: t\n"
             "    given:\n"
             "      - {reqests: 10/s}\n"
             "      - {requests: 10, errors: 5}\n"
             "      - {from: 10s, to: 5s, queue: q, depth: deep}\n"
             "    expect:\n"
             "      - {at: 1.5s, state: firng}\n"),
      "7:9 a series is of one of requests, queue, probe, metric, prometheus and is\n"
      "7:10 \"reqests\" is no key of a given series -> requests\n"
      "8:20 a rate like 10/s should stand here -> 10/s\n"
      "8:32 a percentage from 0% to 100% should stand here -> 5%\n"
      "9:25 `to` has to be later than `from`\n"
      "9:46 a number like 1200, or 0..1200, should stand here\n"
      "11:9 which rule? The file has several: write `rule: NAME`\n"
      "11:14 a test counts in whole seconds\n"
      "11:27 one of these should stand here: fine, bad, pending, firing, unknown -> firing\n");
}

TEST(RuleTestTest, AnUnknownRuleIsSuggested) {
  EXPECT_NE(faults("  - {name: t, rule: c, given: [], expect: [{at: 5s, state: fine}]}\n")
                .find("no rule of this name stands in this file"),
            std::string::npos);
}

std::vector<rules::Request> requests_of(const RuleTest& test, std::int64_t seconds) {
  RuleTestSeries series(test, Instant{});
  std::vector<rules::Request> out;
  for (std::int64_t second = 0; second < seconds; ++second) {
    for (const rules::Event& event : series.events_of(second)) {
      if (const auto* request = std::get_if<rules::Request>(&event)) out.push_back(*request);
    }
  }
  return out;
}

TEST(RuleTestTest, SharesAreSpreadEvenlyAndRatesBelowOneASecondComeOut) {
  const RuleFile file = parse(
      "  - name: t\n    rule: a\n"
      "    given: [{to: 100s, requests: 0.3/s, errors: 10%, slow: 50%, slow latency: 1s, latency: "
      "5ms}]\n"
      "    expect: [{at: 100s, state: unknown}]\n");
  ASSERT_EQ(file.tests.size(), 1U);
  const auto found = requests_of(file.tests[0], 100);
  EXPECT_EQ(found.size(), 30U);
  int errors = 0;
  int slow = 0;
  for (const rules::Request& request : found) {
    errors += request.status == 500 ? 1 : 0;
    slow += request.latency_us == 1'000'000U ? 1 : 0;
  }
  EXPECT_EQ(errors, 3);
  EXPECT_EQ(slow, 15);
}

TEST(RuleTestTest, ASourceThatIsDownSaysSoAndBringsNothing) {
  const RuleFile file = parse(
      "  - name: t\n    rule: a\n"
      "    given:\n"
      "      - {to: 20s, requests: 10/s}\n"
      "      - {from: 5s, to: 8s, source: tail, is: down}\n"
      "      - {from: 10s, to: 12s, source: tail, is: silent}\n"
      "    expect: [{at: 20s, state: fine}]\n");
  ASSERT_EQ(file.tests.size(), 1U);
  EXPECT_EQ(requests_of(file.tests[0], 20).size(), 150U);
  RuleTestSeries series(file.tests[0], Instant{});
  for (std::int64_t second = 0; second < 12; ++second) {
    int states = 0;
    for (const rules::Event& event : series.events_of(second)) {
      const auto* state = std::get_if<rules::SourceState>(&event);
      if (state == nullptr) continue;
      ++states;
      EXPECT_EQ(state->health == rules::SourceHealth::down, second >= 5 && second < 8) << second;
    }
    EXPECT_EQ(states, second >= 10 ? 0 : 1) << second;
  }
}

}  // namespace
}  // namespace belay::monitor
