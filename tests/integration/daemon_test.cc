#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/belay_run.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A daemon with a log file, and what it prints.
class DaemonTest : public testing::Test {
 protected:
  DaemonTest() {
    directory_.write("shop.log", "");
    directory_.write("belay.yaml",
                     "listen: 127.0.0.1:0\nmetrics: 127.0.0.1:0\nservices:\n  shop: { logs: { "
                     "file: shop.log } }\n");
  }
  ChildProcess::Options daemon() const {
    return {.argv = {belay_binary().string(), "run"},
            .output = output(),
            .directory = directory_.path()};
  }
  std::filesystem::path output() const { return directory_.path() / "output"; }
  bool says(const std::string& text) const {
    return eventually([&] { return content_of(output()).find(text) != std::string::npos; });
  }
  TemporaryDirectory directory_;
};

TEST_F(DaemonTest, SigtermEndsItWellAndTheStateIsFreeAgain) {
  for (int life = 0; life < 2; ++life) {
    std::filesystem::remove(output());
    ChildProcess child{daemon()};
    ASSERT_TRUE(says("/metrics, /healthz and /readyz on")) << content_of(output());
    child.signal(SIGTERM);
    EXPECT_EQ(child.wait(10s), 0) << content_of(output());
  }
}

TEST_F(DaemonTest, AStateThatIsInUseIsRefused) {
  ChildProcess child{daemon()};
  ASSERT_TRUE(says("/metrics, /healthz and /readyz on")) << content_of(output());
  EXPECT_EQ(run_belay({"run"}, directory_.path()).code, 69);
  const BelayRun gate = run_belay(
      {"gate", "--standalone", "--service", "shop", "--candidate", "v2"}, directory_.path());
  EXPECT_EQ(gate.code, 69) << gate.text;
}

TEST_F(DaemonTest, AfterAKillTheNextStartTakesTheStateOver) {
  {
    ChildProcess child{daemon()};
    ASSERT_TRUE(says("/metrics, /healthz and /readyz on")) << content_of(output());
    child.signal(SIGKILL);
    EXPECT_EQ(child.wait(10s), 128 + SIGKILL);
  }
  std::filesystem::remove(output());
  ChildProcess child{daemon()};
  ASSERT_TRUE(says("/metrics, /healthz and /readyz on")) << content_of(output());
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(10s), 130);
}

TEST_F(DaemonTest, ALimitOnTheSizeOfFilesStopsTheJournalAndNotTheDaemon) {
  ChildProcess::Options options = daemon();
  options.argv = {"/bin/sh", "-c", "ulimit -f 16 && exec " + belay_binary().string() + " run"};
  ChildProcess child{options};
  ASSERT_TRUE(says("acting on nothing")) << content_of(output());
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(10s), 0) << content_of(output());
}

TEST_F(DaemonTest, AGateWithoutEvidenceIsUnknown) {
  const BelayRun gate = run_belay({"gate", "--standalone", "--service", "shop", "--candidate", "v2",
                                   "--baseline", "v1", "--for", "2s"},
                                  directory_.path());
  EXPECT_EQ(gate.code, 12) << gate.text;
  EXPECT_THAT(gate.text, HasSubstr("mode       recommend"));
}

TEST_F(DaemonTest, AnInterruptedGateLeavesThingsAsTheyAre) {
  ChildProcess::Options options = daemon();
  options.argv = {belay_binary().string(), "gate", "--standalone", "--service", "shop",
                  "--candidate",           "v2",   "--for",        "10m"};
  ChildProcess child{options};
  ASSERT_TRUE(says("candidate"));
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(15s), 130) << content_of(output());
}

}  // namespace
}  // namespace belay::test
