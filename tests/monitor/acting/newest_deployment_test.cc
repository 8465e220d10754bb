#include "monitor/platform/newest_deployment.h"

#include <chrono>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

TEST(NewestDeployment, ThatIsGoneForAMinuteIsGoneForGood) {
  NewestDeployment newest;
  const std::vector<CloudflareDeployment> before = {{.id = "d1", .message = "", .versions = {}}};
  std::vector<CloudflareDeployment> after = before;
  after.insert(after.begin(), {.id = "d2", .message = "", .versions = {}});
  const NewestDeployment::Time now{};
  EXPECT_TRUE(newest.is_as_new(before, now));
  EXPECT_TRUE(newest.is_as_new(after, now));
  EXPECT_FALSE(newest.is_as_new(before, now + 1s));
  EXPECT_TRUE(newest.is_as_new(after, now + 59s));
  EXPECT_FALSE(newest.is_as_new(before, now + 118s)) << "it was there meanwhile";
  EXPECT_TRUE(newest.is_as_new(before, now + 119s));
  newest.made("d3", now + 120s);
  EXPECT_FALSE(newest.is_as_new(after, now + 121s));
  newest.made("", now + 122s);
  EXPECT_FALSE(newest.is_as_new(after, now + 122s)) << "no id says nothing";
  EXPECT_TRUE(newest.is_as_new(before, now + 2h)) << "nobody asked meanwhile: no lag";
  newest.was_seen("d2", now + 3h);
  EXPECT_FALSE(newest.is_as_new(before, now + 3h + 29s));
  EXPECT_TRUE(newest.is_as_new(before, now + 3h + 30s));
}

}  // namespace
}  // namespace belay::monitor
