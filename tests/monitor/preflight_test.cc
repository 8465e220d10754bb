#include "monitor/preflight.h"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/platform/cloudflare.h"
#include "monitor/preflight_answers.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::Truth;
using testing::HasSubstr;

class PreflightTest : public testing::Test {
 protected:
  PreflightTest() {
    platforms_.add_rollback(
        "shop", std::make_unique<Cloudflare>(CloudflareOptions{.account = "acct",
                                                               .script = "shop",
                                                               .token = Secret("canary-token"),
                                                               .deadline = 5s,
                                                               .base_url = peer_.base_url()}));
  }
  static rules::PreflightAsked asked(const std::string& baseline = test::kGoodVersion) {
    return {.rollout = "r1",
            .service = "shop",
            .candidate = test::kBadVersion,
            .baseline = baseline,
            .is_driving = true,
            .commit = "abc"};
  }
  Preflight::Deliver deliver() {
    return [this](rules::PreflightDone done) {
      const std::scoped_lock lock(mutex_);
      done_.push_back(std::move(done));
    };
  }
  /// The answers to the questions of one rollout.
  std::vector<PreflightAnswer> answers(const rules::PreflightAsked& question) {
    return answers_of(*platforms_.of_service("shop"), question, {});
  }
  std::size_t count() {
    const std::scoped_lock lock(mutex_);
    return done_.size();
  }
  rules::PreflightDone last() {
    const std::scoped_lock lock(mutex_);
    return done_.back();
  }
  static PreflightAnswer by_command(std::vector<std::string> argv, Duration timeout = 10s) {
    return answer_of({"smoke", CommandAction{.argv = std::move(argv), .timeout = timeout}}, asked(),
                     {});
  }

  test::CloudflarePeer peer_;
  test::ManualClock clock_;
  Platforms platforms_;
  std::mutex mutex_;
  std::vector<rules::PreflightDone> done_;
};

TEST_F(PreflightTest, AVersionThatCanBePutBackIsFine) {
  const auto found = answers(asked());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "candidate");
  EXPECT_EQ(found[0].result, Truth::fine);
  EXPECT_EQ(found[1].name, "rollback target");
  EXPECT_EQ(found[1].result, Truth::fine);
  for (const auto& request : peer_.requests()) EXPECT_EQ(request.method, "GET");
}

TEST_F(PreflightTest, ATargetThatIsGoneOrTooOldOrTheCandidateItselfIsBad) {
  peer_.upload(test::kGoodVersion, {.is_deployable = false});
  EXPECT_EQ(answers(asked())[1].result, Truth::bad);
  EXPECT_THAT(answers(asked())[1].detail, HasSubstr("newest hundred"));
  peer_.forget(test::kGoodVersion);
  EXPECT_EQ(answers(asked())[1].result, Truth::bad);
  EXPECT_THAT(answers(asked())[1].detail, HasSubstr("does not exist"));
  EXPECT_EQ(answers(asked(test::kBadVersion))[1].result, Truth::bad);
}

TEST_F(PreflightTest, AMigrationBetweenTheTwoCannotBeRolledBackAcross) {
  peer_.upload(test::kGoodVersion, {.migration = "v1"});
  peer_.upload(test::kBadVersion, {.migration = "v2"});
  const auto found = answers(asked());
  EXPECT_EQ(found[1].result, Truth::bad);
  EXPECT_THAT(found[1].detail, HasSubstr("migration"));
}

TEST_F(PreflightTest, WhatOnlyOneOfThemIsBoundToIsTold) {
  peer_.upload(test::kGoodVersion, {.bindings = {{"secret_text", "OLD_KEY"}}});
  peer_.upload(test::kBadVersion, {.bindings = {{"queue", "JOBS"}}});
  const auto found = answers(asked());
  EXPECT_EQ(found[1].result, Truth::fine);
  EXPECT_EQ(found[1].detail,
            "only it is bound to secret_text OLD_KEY; it is not bound to queue JOBS");
}

TEST_F(PreflightTest, ACandidateThatDoesNotExistIsBadAndOneThatCannotBeReadIsUnknown) {
  peer_.forget(test::kBadVersion);
  EXPECT_EQ(answers(asked())[0].result, Truth::bad);
  peer_.answer_always(test::http_response(503, "<html>"));
  for (const PreflightAnswer& one : answers(asked())) EXPECT_EQ(one.result, Truth::unknown);
}

TEST_F(PreflightTest, WithoutABaselineNothingIsAskedAboutIt) {
  EXPECT_EQ(answers(asked("")).size(), 1U);
}

TEST_F(PreflightTest, ACommandSaysByItsExitCodeWhatItFound) {
  EXPECT_EQ(by_command({"sh", "-c",
                        "test $BELAY_CANDIDATE = " + std::string(test::kBadVersion) +
                            " -a $BELAY_COMMIT = abc -a $BELAY_SERVICE = shop"})
                .result,
            Truth::fine);
  const PreflightAnswer bad = by_command({"sh", "-c", "echo 3 of 5 tests failed; exit 1"});
  EXPECT_EQ(bad.result, Truth::bad);
  EXPECT_THAT(bad.detail, testing::EndsWith("3 of 5 tests failed"));
  EXPECT_EQ(by_command({"sh", "-c", "exit 3"}).result, Truth::unknown);
  EXPECT_EQ(by_command({"sh", "-c", "kill -9 $$"}).result, Truth::unknown);
  EXPECT_EQ(by_command({"/no/such/program"}).result, Truth::unknown);
  const PreflightAnswer late = by_command({"tail", "-f", "/dev/null"}, 50ms);
  EXPECT_EQ(late.result, Truth::unknown);
  EXPECT_THAT(late.detail, HasSubstr("out of time"));
}

TEST_F(PreflightTest, AnHttpCheckTellsAWrongAnswerFromNone) {
  const auto by_http = [](const std::string& url) {
    return answer_of({"staging", ProbeConfig{.url = url, .timeout = 2s, .statuses = {200}}},
                     asked(), {});
  };
  test::ScriptedPeer good([](test::PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(test::http_response(200, "ok"));
  });
  test::ScriptedPeer wrong([](test::PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(test::http_response(503, "down"));
  });
  EXPECT_EQ(by_http(good.url()).result, Truth::fine);
  EXPECT_EQ(by_http(wrong.url()).result, Truth::bad);
  EXPECT_EQ(by_http("http://127.0.0.1:" + std::to_string(test::free_port()) + "/").result,
            Truth::unknown);
}

TEST_F(PreflightTest, WhatIsNotFineIsAskedAgainUntilItIs) {
  const test::TemporaryDirectory place;
  const std::string marker = (place.path() / "approved").string();
  PreflightChecks checks;
  checks["shop"] = {{"approval", CommandAction{.argv = {"test", "-e", marker}}}};
  Preflight preflight(platforms_, checks, clock_, deliver(),
                      {.again_first = 5ms, .again_max = 5ms});
  preflight.ask(asked());
  ASSERT_TRUE(test::eventually([this] { return count() >= 2; }));
  EXPECT_EQ(last().rollout, "r1");
  ASSERT_EQ(last().checks.size(), 3U);
  EXPECT_EQ(last().checks[2].name, "approval");
  EXPECT_EQ(last().checks[2].result, Truth::bad);
  place.write("approved", "");
  ASSERT_TRUE(test::eventually([this] { return last().checks.back().result == Truth::fine; }));
  const std::size_t answered = count();
  rules::PreflightAsked other = asked();
  other.rollout = "r2";
  preflight.ask(other);
  ASSERT_TRUE(test::eventually([&] { return count() > answered; }));
  EXPECT_EQ(last().rollout, "r2");
  EXPECT_EQ(count(), answered + 1) << "what was fine is not asked again";
}

TEST_F(PreflightTest, EndsInMidCheck) {
  PreflightChecks checks;
  checks["shop"] = {{"slow", CommandAction{.argv = {"tail", "-f", "/dev/null"}}}};
  const test::TemporaryDirectory place;
  const std::string began = (place.path() / "began").string();
  checks["shop"].front().of =
      CommandAction{.argv = {"sh", "-c", "touch " + began + "; exec tail -f /dev/null"}};
  Preflight preflight(platforms_, checks, clock_, deliver());
  preflight.ask(asked());
  ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(began); }));
  const auto start = std::chrono::steady_clock::now();
  preflight.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_EQ(count(), 0U);
}

}  // namespace
}  // namespace belay::monitor
