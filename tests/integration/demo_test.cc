#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/belay_run.h"

namespace belay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DemoTest, TheBadVersionIsFoundRolledBackAndTheShopRecovers) {
  const BelayRun run = run_belay({"demo"}, {}, {}, std::chrono::seconds{100});
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr("shop-5xx is firing"));
  EXPECT_THAT(run.text, HasSubstr("recovered after: roll back from v2 to v1"));
  EXPECT_THAT(run.text, HasSubstr("shop: v1 has all of the traffic, and it helped: "));
  EXPECT_THAT(run.text, HasSubstr("A gate would end with 11"));
  // In steps: the first one passes, the second shows what is wrong.
  EXPECT_THAT(run.text, HasSubstr("v2: step 1 of 3, 10%"));
  EXPECT_THAT(run.text, HasSubstr("move 50% of the traffic to v2, step 2 of 3"));
  // Whose errors they were, and on which routes.
  EXPECT_THAT(run.text, testing::ContainsRegex("v2 took [0-9.]+% of the traffic and produced"));
  EXPECT_THAT(run.text, testing::ContainsRegex("on /api/(cart|checkout): [0-9]+ of [0-9]+"));
  EXPECT_THAT(run.text, Not(HasSubstr("warning:"))) << "the demo's own files are without blame";

  const std::size_t slack = run.text.find("What Slack was told");
  ASSERT_NE(slack, std::string::npos);
  const std::string told = run.text.substr(slack, run.text.find("What is live now") - slack);
  EXPECT_THAT(told, HasSubstr("> 5% over 5s"));
  EXPECT_THAT(told, Not(HasSubstr("&gt;")));
  EXPECT_THAT(told, Not(HasSubstr("\\n")));
  // Its one channel is told and paged: what is both is said once.
  const std::size_t fires = told.find("shop-5xx is firing");
  ASSERT_NE(fires, std::string::npos);
  EXPECT_EQ(told.find("shop-5xx is firing", fires + 1), std::string::npos) << told;
}

TEST(DemoTest, EndsWithTheReportOfTheWholeRollout) {
  const BelayRun run = run_belay({"demo"}, {}, {}, std::chrono::seconds{100});
  ASSERT_EQ(run.code, 0) << run.text;
  const std::string report = run.text.substr(std::min(run.text.find("# Failed"), run.text.size()));
  EXPECT_THAT(report, HasSubstr("# Failed, and what was done helped"));
  EXPECT_THAT(report, HasSubstr("| time to recover | "));
  EXPECT_THAT(report, HasSubstr("| `shop-5xx`<br>"));
  EXPECT_THAT(report, HasSubstr("`/api/"));
  EXPECT_THAT(report, HasSubstr("roll back from v2 to v1"));
  EXPECT_THAT(report, HasSubstr("`recovered`"));
  EXPECT_THAT(report, HasSubstr("| commit | `4f2a91c` |"));
}

TEST(DemoTest, AMachineThatCannotPlayItIsNoVerdict) {
  const BelayRun run = run_belay({"demo"}, {}, {"TMPDIR=/nowhere"});
  EXPECT_EQ(run.code, 69) << run.text;
}

}  // namespace
}  // namespace belay::test
