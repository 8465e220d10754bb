// Goal: SIGHUP takes another configuration whole or not at all, and what stays as it is goes on.
// Method: the real binary, log files that the test writes, and what /metrics says.

#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "tests/integration/running_daemon.h"
#include "tests/integration/shop_log.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kShop = R"(services:
  shop: { logs: { file: shop.log }, rules: [rules.yaml] }
)";
constexpr const char* kFiring =
    "belay_rule_firing{service=\"shop\",rule=\"errors\",severity=\"critical\"} 1\n";
constexpr const char* kGood = "belay_config_last_reload_successful 1\n";
constexpr const char* kBad = "belay_config_last_reload_successful 0\n";

class ReloadTest : public testing::Test {
 protected:
  ReloadTest() {
    belay_.write("shop.log", "");
    belay_.write("rules.yaml", kErrorRule);
    belay_.configure(kShop);
  }
  void start() {
    belay_.start();
    ASSERT_TRUE(belay_.shows("belay_source_up{service=\"shop\",source=\"tail\"} 1\n"))
        << belay_.output();
  }
  void reload(const std::string& answer) {
    belay_.signal(SIGHUP);
    ASSERT_TRUE(belay_.says(answer)) << belay_.output();
  }
  static constexpr const char* kTaken = "belay.yaml was read anew, and is in use";
  RunningDaemon belay_;
};

TEST_F(ReloadTest, WhatStaysGoesOnAndWhatIsNewBegins) {
  start();
  belay_.append("shop.log", shop_requests(20, 500));
  ASSERT_TRUE(belay_.shows(kFiring)) << belay_.get();
  EXPECT_THAT(belay_.get(), HasSubstr(kGood));

  belay_.write("more.yaml",
               "rules:\n  - name: quiet\n    when: requests rate < 1/s over 1h\n    then: alert\n");
  belay_.write("till.log", "");
  belay_.configure(R"(services:
  shop: { logs: { file: shop.log }, rules: [rules.yaml, more.yaml] }
  till: { logs: { file: till.log }, mode: observe }
)");
  reload(kTaken);
  EXPECT_TRUE(belay_.shows("belay_source_up{service=\"till\",source=\"tail\"} 1\n"));
  EXPECT_TRUE(belay_.shows("belay_mode{service=\"till\",mode=\"observe\"} 1\n"));
  EXPECT_TRUE(
      belay_.shows("belay_rule_state{service=\"shop\",rule=\"quiet\",state=\"unknown\"} 1\n"));
  const std::string page = belay_.get();
  EXPECT_THAT(page, HasSubstr(kFiring)) << "the window of 1h was not lost";
  EXPECT_THAT(page, HasSubstr("belay_source_used_total{service=\"shop\",source=\"tail\"} 20\n"));
  EXPECT_THAT(page, HasSubstr(kGood));
  belay_.append("shop.log", shop_requests(1, 500));
  EXPECT_TRUE(belay_.shows("belay_source_used_total{service=\"shop\",source=\"tail\"} 21\n"));

  belay_.configure(kShop);
  belay_.signal(SIGHUP);
  EXPECT_TRUE(belay_.hides("service=\"till\"")) << belay_.get();
  EXPECT_THAT(belay_.get(), HasSubstr(kFiring));
  EXPECT_THAT(belay_.output(), Not(HasSubstr("errors has cleared")));
  EXPECT_EQ(belay_.stop(), 0);
}

TEST_F(ReloadTest, AConfigurationThatIsWrongIsRefusedWhole) {
  start();
  belay_.append("shop.log", shop_requests(20, 500));
  ASSERT_TRUE(belay_.shows(kFiring)) << belay_.get();
  belay_.configure("services:\n  shop: { logs: { file: other.log } }\n  till: { lgs: {} }\n");
  reload("is not taken, nothing has changed");
  EXPECT_THAT(belay_.output(), HasSubstr("did you mean `logs`"));
  EXPECT_TRUE(belay_.shows(kBad));
  belay_.append("shop.log", shop_requests(1, 500));
  EXPECT_TRUE(belay_.shows("belay_source_used_total{service=\"shop\",source=\"tail\"} 21\n"));
  EXPECT_THAT(belay_.get(), HasSubstr(kFiring));

  belay_.configure(kShop);
  reload(kTaken);
  EXPECT_TRUE(belay_.shows(kGood));
  EXPECT_EQ(belay_.stop(), 0);
}

TEST_F(ReloadTest, WhatIsBoundAtTheStartIsNamedAndRefused) {
  start();
  belay_.configure(std::string("state: elsewhere\ningest: 127.0.0.1:0\n") + kShop);
  reload("`state` and the address of `ingest` cannot change while Belay runs");
  EXPECT_TRUE(belay_.shows(kBad));
  EXPECT_EQ(belay_.stop(), 0);
}

TEST_F(ReloadTest, OnlyAProgramWhoseLineChangedIsStartedAgain) {
  const auto configure = [this](const char* second) {
    belay_.configure(fmt::format(
        "services:\n"
        "  shop: {{ logs: {{ exec: [sh, -c, 'echo $$$$ >> first; exec sleep 1000'] }} }}\n"
        "  till: {{ logs: {{ exec: [sh, -c, 'echo $$$$ >> {}; exec sleep 1000'] }} }}\n",
        second));
  };
  const auto pid_in = [this](const char* file) {
    const std::string text = content_of(belay_.directory() / file);
    return text.empty() ? 0 : std::stoi(text);
  };
  configure("second");
  belay_.start();
  ASSERT_TRUE(eventually([&] { return pid_in("first") > 0 && pid_in("second") > 0; }));
  const std::string first = content_of(belay_.directory() / "first");
  configure("third");
  reload(kTaken);
  EXPECT_TRUE(eventually([&] { return pid_in("third") > 0; })) << belay_.output();
  EXPECT_EQ(kill(pid_in("second"), 0), -1) << "its program is gone";
  EXPECT_EQ(kill(pid_in("first"), 0), 0);
  EXPECT_EQ(content_of(belay_.directory() / "first"), first);
  EXPECT_EQ(belay_.stop(), 0);
}

}  // namespace
}  // namespace belay::test
