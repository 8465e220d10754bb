#include "monitor/commands/wrangler_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

constexpr const char* kUpload =
    R"({"type":"version-upload","version":1,"worker_name":"shop","version_id":"v-1"})"
    "\n";
constexpr const char* kDeploy =
    R"({"type":"deploy","version":1,"worker_name":"till","version_id":"v-2","targets":[]})"
    "\n";
/// Names no version: its version_traffic is always empty.
constexpr const char* kVersionDeploy =
    R"({"type":"version-deploy","version":1,"worker_name":"shop","deployment_id":"d","version_traffic":{}})"
    "\n";
constexpr const char* kFailed =
    R"({"type":"command-failed","version":1,"code":10220,"message":"secrets\nchanged"})"
    "\n";

TEST(WranglerOutputTest, TheNewestVersionIsTheCandidate) {
  const auto one = parse_wrangler_output(std::string("no json\n{}\n") + kUpload + kVersionDeploy);
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->worker, "shop");
  EXPECT_EQ(one->version, "v-1");
  EXPECT_EQ(parse_wrangler_output(std::string(kUpload) + kDeploy)->version, "v-2");
  EXPECT_EQ(parse_wrangler_output(std::string(kFailed) + kDeploy)->version, "v-2");
}

TEST(WranglerOutputTest, AFailedCommandAndAFileWithoutAVersionAreSaidSo) {
  EXPECT_THAT(parse_wrangler_output(std::string(kUpload) + kFailed).error().message,
              testing::HasSubstr("wrangler failed: secrets\\nchanged"));
  for (const char* text : {"", "\n\n", "[1]", "{\"type\":\"deploy\"}", kVersionDeploy}) {
    EXPECT_FALSE(parse_wrangler_output(text).ok()) << text;
  }
}

}  // namespace
}  // namespace belay::monitor
