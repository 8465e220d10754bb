// Goal: what people were to be told while the webhook was away is told once it is back, exactly
// once, although Belay was ended or killed meanwhile. Method: the real binary, a rule that fires,
// and a webhook that hangs or resets until it does not.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/running_daemon.h"
#include "tests/integration/shop_log.h"
#include "tests/support/eventually.h"
#include "tests/support/peer_request.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kShop = R"(services:
  shop: { logs: { file: shop.log }, rules: [rules.yaml] }
notify: { tell: [ { slack: { webhook: "${SLACK}" } } ] }
)";

class KeptMessagesTest : public testing::TestWithParam<int> {
 protected:
  KeptMessagesTest() {
    belay_.write("shop.log", "");
    belay_.write("rules.yaml", kErrorRule);
    belay_.configure(kShop);
  }
  void start() {
    belay_.start({"SLACK=" + webhook_.url("/hook-of-nobody")});
    ASSERT_TRUE(belay_.shows("belay_source_up{service=\"shop\",source=\"tail\"} 1\n"))
        << belay_.output();
  }
  void end() {
    belay_.signal(GetParam());
    ASSERT_TRUE(belay_.ends()) << belay_.output();
  }
  void answer(PeerConnection& connection) {
    const auto request = read_request(connection);
    if (!request) return;
    // The attempt of a killed process is neither delivered nor refused.
    if (is_away_) return GetParam() == SIGKILL ? connection.hang() : connection.reset();
    {
      const std::scoped_lock lock(mutex_);
      told_.push_back(request->body);
    }
    connection.send(http_response(200, "ok"));
  }
  std::vector<std::string> told() {
    const std::scoped_lock lock(mutex_);
    return told_;
  }
  std::vector<std::string> kept() const {
    std::vector<std::string> texts;
    std::error_code none;
    const auto outbox = belay_.directory() / "belay-state" / "outbox";
    for (const auto& file : std::filesystem::directory_iterator(outbox, none)) {
      texts.push_back(content_of(file.path()));
    }
    return texts;
  }

  std::mutex mutex_;
  std::vector<std::string> told_;
  std::atomic<bool> is_away_ = true;
  ScriptedPeer webhook_{[this](PeerConnection& connection) { answer(connection); }};
  RunningDaemon belay_;
};

TEST_P(KeptMessagesTest, WhatCouldNotBeToldIsToldOnceByTheNextLife) {
  start();
  belay_.append("shop.log", shop_requests(20, 500));
  const auto is_kept = [&] {  // The file is there before it is whole.
    const std::vector<std::string> texts = kept();
    return texts.size() == 1 && texts.front().find("errors is firing") != std::string::npos;
  };
  ASSERT_TRUE(eventually(is_kept, 60s)) << belay_.output();
  EXPECT_THAT(kept().front(), testing::Not(HasSubstr("hook-of-nobody"))) << "a secret on the disk";
  end();
  EXPECT_THAT(kept(), SizeIs(1));
  start();
  is_away_ = false;
  EXPECT_TRUE(belay_.shows("belay_notifications_total{result=\"sent\",sink=\"slack\"} 1\n"))
      << belay_.get();
  ASSERT_THAT(told(), SizeIs(1));
  EXPECT_THAT(told().front(), HasSubstr("errors is firing"));
  EXPECT_THAT(told().front(), HasSubstr("Z, delivered late)"));
  EXPECT_TRUE(eventually([&] { return kept().empty(); }));
  end();
  start();
  EXPECT_EQ(belay_.stop(), 0) << belay_.output();
  EXPECT_THAT(told(), SizeIs(1));
}

TEST_P(KeptMessagesTest, WhatIsADayOldOrOlderIsForgottenAlsoWhereNobodyHasItsRoute) {
  const auto state = belay_.directory() / "belay-state";
  std::filesystem::create_directories(state / "outbox");
  for (const auto& path : {state, state / "outbox"}) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  const auto keep = [&](int number, const std::string& route, std::chrono::hours age) {
    const auto at = std::chrono::system_clock::now() - age;
    belay_.write(
        fmt::format("belay-state/outbox/{:016}.json", number),
        fmt::format(R"({{"to":"{}","notice":"fired","page":true,"at_ns":{},"severity":"critical",)"
                    R"("service":"shop","rule":"","candidate":"","baseline":"","intent":"",)"
                    R"("headline":"{} of {}h ago","details":[]}})",
                    route, std::chrono::nanoseconds{at.time_since_epoch()}.count(), route,
                    age.count()));
  };
  keep(1, "slack", 25h);
  keep(2, "slack", 23h);
  keep(3, "slack-9", 25h);
  keep(4, "slack-9", 23h);
  is_away_ = false;
  start();
  EXPECT_TRUE(eventually([&] { return kept().size() == 1; })) << testing::PrintToString(kept());
  EXPECT_THAT(kept().front(), HasSubstr("slack-9 of 23h ago")) << "its route may come back";
  ASSERT_THAT(told(), SizeIs(1));
  EXPECT_THAT(told().front(), HasSubstr("slack of 23h ago"));
  end();
}

INSTANTIATE_TEST_SUITE_P(EndedBy, KeptMessagesTest, testing::Values(SIGKILL, SIGTERM),
                         [](const auto& one) {
                           return one.param == SIGKILL ? "AKill" : "Sigterm";
                         });

}  // namespace
}  // namespace belay::test
