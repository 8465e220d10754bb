#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/belay_run.h"

namespace belay::test {
namespace {

using testing::HasSubstr;

TEST(DemoTest, TheBadVersionIsFoundRolledBackAndTheShopRecovers) {
  const BelayRun run = run_belay({"demo"}, {}, {}, std::chrono::seconds{100});
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr("shop-5xx is firing"));
  EXPECT_THAT(run.text, HasSubstr("recovered after: roll back from v2 to v1"));
  EXPECT_THAT(run.text, HasSubstr("The gate's exit code is 11"));
}

}  // namespace
}  // namespace belay::test
