// Goal: a daemon whose state was taken away says so before it has something to record. Method: the
// real binary, and what /readyz says.

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/integration/running_daemon.h"

namespace belay::test {
namespace {

TEST(StateGoneTest, ReadyzSaysSoBeforeAnythingMustBeRecorded) {
  RunningDaemon belay;
  belay.write("shop.log", "");
  belay.configure("state: state\nservices:\n  shop: { logs: { file: shop.log } }\n");
  belay.start();
  ASSERT_TRUE(belay.shows("200 ", "/readyz")) << belay.output();
  std::filesystem::remove_all(belay.directory() / "state");
  EXPECT_TRUE(belay.shows("503 ", "/readyz")) << belay.output();
  EXPECT_TRUE(belay.says("was removed, moved or replaced")) << belay.output();
  EXPECT_EQ(belay.stop(), 0) << belay.output();
}

}  // namespace
}  // namespace belay::test
