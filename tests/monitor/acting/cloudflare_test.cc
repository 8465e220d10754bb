#include "monitor/platform/cloudflare.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/platform/cloudflare_reply.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/net/hanging_lookup.h"
#include "tests/support/paths.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::CloudflarePeer;
using test::PeerBehaviour;
using test::PeerRequest;

class CloudflareTest : public testing::Test {
 protected:
  CloudflareOptions options() {
    return {.account = "acct",
            .script = "mautic-api",
            .token = Secret("canary-token"),
            .deadline = 5s,
            .base_url = peer_.base_url()};
  }
  Standing::Kind standing() {
    const auto read = cloudflare_.read(order_, {});
    EXPECT_TRUE(read.ok()) << read.error().message;
    detail_ = read.ok() ? read->detail : "";
    return read.ok() ? read->kind : Standing::Kind::other;
  }
  Error read_error() {
    const auto read = cloudflare_.read(order_, {});
    return read.ok() ? Error{} : read.error();
  }
  Error apply_error() {
    const auto applied = cloudflare_.apply(order_, {});
    return applied.ok() ? Error{} : applied.error();
  }

  CloudflarePeer peer_;
  Cloudflare cloudflare_{options()};
  rules::Order order_ = test::rollback_order(1, from_unix_ms(1'795'000'000'000));
  std::string detail_;
};

TEST_F(CloudflareTest, IsReachedWhereItAnsweredLastWhenItsNameCannotBeLookedUp) {
  CloudflareOptions named = options();
  const std::string numbers = "127.0.0.1";
  named.base_url.replace(named.base_url.find(numbers), numbers.size(), net::HangingLookup::kName);
  Cloudflare cloudflare(named);
  ASSERT_TRUE(cloudflare.live({}).ok());
  const net::HangingLookup hanging;
  const Status applied = cloudflare.apply(order_, {});
  EXPECT_TRUE(applied.ok()) << applied.error().message;
  const auto requests = peer_.requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(),
                          [](const PeerRequest& request) { return request.method == "POST"; }),
            1);
}

TEST_F(CloudflareTest, KnowsWhatIsLive) {
  EXPECT_EQ(standing(), Standing::Kind::expected);
  EXPECT_NE(detail_.find("22222222-2222-4222-8222-222222222222 at 10%"), std::string::npos);
  peer_.deploy(test::kGoodVersion, 100, "by hand");
  EXPECT_EQ(standing(), Standing::Kind::target);
  peer_.deploy("33333333-3333-4333-8333-333333333333", 100, "newer");
  EXPECT_EQ(standing(), Standing::Kind::other);
}

TEST_F(CloudflareTest, AnAnswerThatIsOlderThanOneBeforeIsNotBelieved) {
  EXPECT_EQ(standing(), Standing::Kind::expected);
  peer_.lag_behind(1);
  EXPECT_EQ(read_error().kind, Error::Kind::unavailable);
  EXPECT_NE(read_error().message.find("older"), std::string::npos);
  EXPECT_FALSE(cloudflare_.live({}).ok());
  peer_.lag_behind(0);
  // Nor is one from before what we did ourselves.
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  peer_.lag_behind(1);
  EXPECT_EQ(read_error().kind, Error::Kind::unavailable);
  peer_.lag_behind(0);
  EXPECT_EQ(standing(), Standing::Kind::ours);
}

TEST_F(CloudflareTest, PutsTheAbsoluteVersionToAllTrafficAtOnceAndFindsItAgain) {
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  const auto requests = peer_.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].target, "/client/v4/accounts/acct/workers/scripts/mautic-api/deployments");
  EXPECT_EQ(requests[0].header("authorization"), "Bearer canary-token");
  // The body that wrangler sends for a rollback, but for the message.
  json body = json::parse(requests[0].body);
  const std::string message = body["annotations"]["workers/message"];
  EXPECT_EQ(message.rfind("belay " + order_.intent + " 5xx rate", 0), 0U) << message;
  EXPECT_LE(message.size(), 100U);
  body["annotations"]["workers/message"] = "auto";
  std::ifstream sample(test::data_path("cloudflare/cf-deployment-create.json"));
  EXPECT_EQ(body, json::parse(sample)["rollback"]["body"]);
  EXPECT_EQ(standing(), Standing::Kind::ours);
}

TEST_F(CloudflareTest, ForceIsSentOnlyWhenConfigured) {
  CloudflareOptions forced = options();
  forced.force = true;
  ASSERT_TRUE(Cloudflare(forced).apply(order_, {}).ok());
  EXPECT_NE(peer_.requests()[0].target.find("?force=true"), std::string::npos);
}

TEST_F(CloudflareTest, OneWhoDeploysAfterUsMakesItSomeoneElses) {
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  peer_.deploy("33333333-3333-4333-8333-333333333333", 100, "newer");
  EXPECT_EQ(standing(), Standing::Kind::other);
  peer_.deploy(test::kGoodVersion, 100, "again by hand");
  EXPECT_EQ(standing(), Standing::Kind::ours) << "ours arrived, and what it asked for holds";
}

TEST_F(CloudflareTest, SaysThatItRacedWhenItReplacedWhatWasNotJudged) {
  peer_.deploy("33333333-3333-4333-8333-333333333333", 100, "slipped in");
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  EXPECT_EQ(standing(), Standing::Kind::ours);
  EXPECT_NE(detail_.find("raced"), std::string::npos) << detail_;
}

TEST_F(CloudflareTest, AVersionThatHasComeSinceIsNotTakenOut) {
  const std::string hotfix = "33333333-3333-4333-8333-333333333333";
  for (const double percent : {90.0, 1.0}) {
    peer_.deploy({{test::kBadVersion, 100}}, "the rest of it");
    peer_.deploy({{hotfix, percent}, {test::kBadVersion, 100 - percent}}, "a hotfix");
    EXPECT_EQ(standing(), Standing::Kind::other) << percent;
    EXPECT_EQ(detail_.rfind(hotfix + " has come since", 0), 0U) << detail_;
  }
  peer_.deploy({{hotfix, 95}, {test::kBadVersion, 5}}, "more of it");
  EXPECT_EQ(standing(), Standing::Kind::other) << "by several steps, too";
  peer_.deploy({{test::kBadVersion, 100}}, "not a good one");
  EXPECT_EQ(standing(), Standing::Kind::expected) << "it is gone again";
}

TEST_F(CloudflareTest, AVersionThatHasComeBetweenTwoTriesIsNotTakenOut) {
  peer_.behave({PeerBehaviour::throttled});
  EXPECT_EQ(standing(), Standing::Kind::expected);
  EXPECT_EQ(apply_error().kind, Error::Kind::throttled);
  peer_.deploy({{"hotfix", 90}, {test::kBadVersion, 10}}, "meanwhile");
  EXPECT_EQ(standing(), Standing::Kind::other);
}

TEST_F(CloudflareTest, AnotherShareOfTheSameVersionsIsWhatWasJudged) {
  for (const double percent : {50.0, 99.0, 1.0}) {
    peer_.deploy({{test::kGoodVersion, 100 - percent}, {test::kBadVersion, percent}}, "a step");
    EXPECT_EQ(standing(), Standing::Kind::expected) << percent;
  }
  peer_.deploy({{test::kBadVersion, 100}}, "all of it");
  EXPECT_EQ(standing(), Standing::Kind::expected);
}

TEST_F(CloudflareTest, AVersionThatWasThereBeforeTheCandidateIsWhatWasJudged) {
  // The one to put back is older: it is not what the candidate came beside.
  std::get<rules::RollBack>(order_.action).target = "older";
  EXPECT_EQ(standing(), Standing::Kind::expected) << "beside what was live before";
  peer_.deploy({{test::kGoodVersion, 40}, {test::kBadVersion, 60}}, "a step");
  EXPECT_EQ(standing(), Standing::Kind::expected);
  peer_.deploy({{"new", 10}, {test::kBadVersion, 90}}, "a hotfix");
  EXPECT_EQ(standing(), Standing::Kind::other);
}

TEST_F(CloudflareTest, ALongReasonIsCutAfterTheIntent) {
  order_.reason = std::string(300, 'x') + "\xc3\xa4\xff";
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  const std::string message =
      json::parse(peer_.requests()[0].body)["annotations"]["workers/message"];
  EXPECT_LE(message.size(), 100U);
  EXPECT_EQ(standing(), Standing::Kind::ours);
}

TEST_F(CloudflareTest, WhatMayHaveArrivedIsAmbiguous) {
  for (const PeerBehaviour how :
       {PeerBehaviour::applied_then_dropped, PeerBehaviour::applied_then_500,
        PeerBehaviour::not_applied_and_500}) {
    peer_.behave({how});
    EXPECT_EQ(apply_error().kind, Error::Kind::ambiguous) << static_cast<int>(how);
  }
  CloudflareOptions hasty = options();
  hasty.deadline = 200ms;
  peer_.behave({PeerBehaviour::slow});
  const auto slow = Cloudflare(hasty).apply(order_, {});
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().kind, Error::Kind::ambiguous);
}

TEST_F(CloudflareTest, PatienceIsAskedForInSeconds) {
  peer_.behave({PeerBehaviour::throttled});
  const Error error = apply_error();
  EXPECT_EQ(error.kind, Error::Kind::throttled);
  EXPECT_EQ(error.retry_after, 1s);
}

TEST_F(CloudflareTest, NobodyListeningMeansThatNothingWasSent) {
  CloudflareOptions nowhere = options();
  nowhere.base_url = "http://127.0.0.1:" + std::to_string(test::free_port());
  const auto applied = Cloudflare(nowhere).apply(order_, {});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind, Error::Kind::unavailable);
}

TEST_F(CloudflareTest, EveryRecordedErrorIsUnderstood) {
  std::ifstream file(test::data_path("cloudflare/cf-error-envelopes.json"));
  const json samples = json::parse(file);
  const auto answer = [&](const char* name) {
    const json& sample = samples[name];
    const json& body = sample["body"];
    peer_.answer_always(test::http_response(
        sample.value("http", 400), body.is_string() ? body.get<std::string>() : body.dump()));
  };
  answer("secret_changed");
  EXPECT_EQ(apply_error().kind, Error::Kind::invalid) << "it would be refused again";
  EXPECT_NE(apply_error().message.find("STRIPE_KEY, SENTRY_DSN"), std::string::npos);
  answer("auth");
  EXPECT_EQ(read_error().kind, Error::Kind::failed);
  EXPECT_NE(read_error().message.find("token"), std::string::npos);
  EXPECT_EQ(read_error().message.find("canary-token"), std::string::npos);
  answer("not_found");
  EXPECT_EQ(read_error().kind, Error::Kind::not_found);
  answer("route");
  EXPECT_EQ(read_error().kind, Error::Kind::not_found);
  answer("non_standard");
  EXPECT_EQ(apply_error().kind, Error::Kind::failed);
  EXPECT_NE(apply_error().message.find("text"), std::string::npos);
  answer("html");
  EXPECT_EQ(read_error().kind, Error::Kind::unavailable);
  EXPECT_EQ(apply_error().kind, Error::Kind::ambiguous);
  peer_.answer_always(test::http_response(403, "<html>", "cf-mitigated: challenge\r\n"));
  EXPECT_EQ(apply_error().kind, Error::Kind::unavailable);
}

TEST_F(CloudflareTest, APageOfWhateverStandsBetweenUsIsNoRefusal) {
  for (const int status : {302, 400, 403, 404, 407}) {
    for (const char* body : {"", "<html>blocked</html>", "{}", "[1]", R"({"success":false})"}) {
      peer_.answer_always(test::http_response(status, body));
      EXPECT_EQ(read_error().kind, Error::Kind::unavailable) << status << body;
      EXPECT_EQ(apply_error().kind, Error::Kind::ambiguous) << status << body;
    }
  }
}

TEST_F(CloudflareTest, AnAnswerThatCannotBeReadIsNeverTakenForAState) {
  for (const char* body :
       {"", "null", "[]", "{}", "<html>", R"({"success":true})",
        R"({"success":"true","result":{}})", R"({"success":true,"result":{"deployments":7}})",
        R"({"success":true,"result":{"deployments":[7]}})",
        R"({"success":true,"result":{"deployments":[{"versions":[{"version_id":7}]}]}})",
        R"({"success":true,"result":{"deployments":[{"versions":[{"version_id":"a"}]}]}})"}) {
    peer_.answer_always(test::http_response(200, body));
    EXPECT_EQ(read_error().kind, Error::Kind::unavailable) << body;
  }
  peer_.answer_always(test::http_response(200, R"({"success":true,"result":{"deployments":[]}})"));
  EXPECT_EQ(read_error().kind, Error::Kind::not_found);
  peer_.answer_always(test::http_response(200, "cut off"));
  EXPECT_EQ(apply_error().kind, Error::Kind::ambiguous);
}

class MoveTrafficTest : public CloudflareTest {
 protected:
  MoveTrafficTest() {
    order_.action =
        rules::MoveTraffic{.candidate = test::kBadVersion,
                           .baseline = test::kGoodVersion,
                           .percent = 50,
                           .expected = {{test::kGoodVersion, 90}, {test::kBadVersion, 10}}};
  }
  rules::MoveTraffic& move() { return std::get<rules::MoveTraffic>(order_.action); }
};

TEST_F(MoveTrafficTest, GivesTheCandidateItsPercentAndTheBaselineTheRest) {
  EXPECT_EQ(standing(), Standing::Kind::expected);
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  const json body = json::parse(peer_.requests().back().body);
  EXPECT_EQ(body["versions"],
            json::array({{{"version_id", test::kBadVersion}, {"percentage", 50}},
                         {{"version_id", test::kGoodVersion}, {"percentage", 50}}}));
  EXPECT_NE(peer_.requests().back().body.find("\"percentage\":50,"), std::string::npos)
      << "as wrangler writes it";
  EXPECT_EQ(standing(), Standing::Kind::ours);
}

TEST_F(MoveTrafficTest, AllOfItIsADeploymentOfTheCandidateAlone) {
  move().percent = 100;
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  EXPECT_EQ(json::parse(peer_.requests().back().body)["versions"],
            json::array({{{"version_id", test::kBadVersion}, {"percentage", 100}}}));
  EXPECT_EQ(standing(), Standing::Kind::ours);
}

TEST_F(MoveTrafficTest, AnotherSplitThanTheOneThatWasJudgedIsSomeoneElses) {
  for (const auto& shares : std::vector<std::vector<std::pair<std::string, double>>>{
           {{test::kGoodVersion, 80}, {test::kBadVersion, 20}},
           {{test::kGoodVersion, 100}},
           {{test::kGoodVersion, 90}, {"another", 10}}}) {
    peer_.deploy(shares, "by hand");
    EXPECT_EQ(standing(), Standing::Kind::other) << shares.front().second;
  }
  peer_.deploy({{test::kGoodVersion, 50}, {test::kBadVersion, 50}}, "by hand");
  EXPECT_EQ(standing(), Standing::Kind::target) << "someone did what we would have done";
  peer_.deploy({{test::kGoodVersion, 90}, {test::kBadVersion, 10}, {"gone", 0}}, "by hand");
  EXPECT_EQ(standing(), Standing::Kind::expected) << "no traffic is no share";
}

TEST_F(MoveTrafficTest, AMoveAfterOursMakesItSomeoneElses) {
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  peer_.deploy({{test::kGoodVersion, 90}, {test::kBadVersion, 10}}, "back again by hand");
  EXPECT_EQ(standing(), Standing::Kind::other);
}

TEST_F(MoveTrafficTest, SaysThatItRacedWhenItReplacedASplitThatWasNotJudged) {
  peer_.deploy({{test::kGoodVersion, 70}, {test::kBadVersion, 30}}, "slipped in");
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  EXPECT_EQ(standing(), Standing::Kind::ours);
  EXPECT_NE(detail_.find("raced"), std::string::npos) << detail_;
}

TEST_F(MoveTrafficTest, PartOfTheTrafficNeedsABaseline) {
  move().baseline.clear();
  EXPECT_EQ(apply_error().kind, Error::Kind::invalid);
  EXPECT_TRUE(peer_.requests().empty());
}

TEST_F(MoveTrafficTest, APersonTypesBothShares) {
  move().percent = 12.5;
  EXPECT_EQ(cloudflare_.by_hand(order_),
            "wrangler versions deploy 22222222-2222-4222-8222-222222222222@12.5% "
            "11111111-1111-4111-8111-111111111111@87.5% -y --name mautic-api");
}

TEST_F(CloudflareTest, KnowsWhetherAVersionCanBePutBack) {
  const auto facts_of = [&](const std::string& id) {
    const auto facts = cloudflare_.version(id, {});
    EXPECT_TRUE(facts.ok()) << facts.error().message;
    return facts.ok() && *facts ? **facts : VersionFacts{};
  };
  peer_.upload(
      test::kGoodVersion,
      {.migration = "v2", .bindings = {{"secret_text", "KEY"}, {"kv_namespace", "CACHE"}}});
  const VersionFacts good = facts_of(test::kGoodVersion);
  EXPECT_TRUE(good.exists);
  EXPECT_TRUE(good.is_deployable);
  EXPECT_EQ(good.migration, "v2");
  EXPECT_EQ(good.bindings, (std::vector<std::string>{"kv_namespace CACHE", "secret_text KEY"}));
  peer_.upload("old", {.is_deployable = false});
  EXPECT_TRUE(facts_of("old").exists);
  EXPECT_FALSE(facts_of("old").is_deployable) << "more than a hundred were uploaded since";
  EXPECT_FALSE(facts_of("../deployments").exists);
  for (const PeerRequest& request : peer_.requests()) EXPECT_EQ(request.method, "GET");
}

TEST_F(CloudflareTest, AVersionThatCannotBeReadIsNotOneThatDoesNotExist) {
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {500, "<html>"},
           {404, "<html>"},
           {404, R"({"success":false,"errors":[{"code":10007,"message":"no script"}]})"},
           {403, R"({"success":false,"errors":[{"code":10000,"message":"Authentication error"}]})"},
           {200, "{}"},
           {200, R"({"success":true,"result":{"name":7}})"}}) {
    peer_.answer_always(test::http_response(status, body));
    EXPECT_FALSE(cloudflare_.version(test::kGoodVersion, {}).ok()) << body;
  }
}

TEST_F(CloudflareTest, TellsPeopleWhatToTypeThemselves) {
  EXPECT_EQ(
      cloudflare_.by_hand(order_),
      "wrangler versions deploy 11111111-1111-4111-8111-111111111111@100% -y --name mautic-api");
}

}  // namespace
}  // namespace belay::monitor
