#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/journal.h"
#include "tests/monitor/api/api_fixture.h"
#include "tests/rules/support/engine_rig.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

inline constexpr const char* kId = "99999999-0000-4000-8000-000000000001";
inline constexpr const char* kRollout =
    R"({"service":"shop","candidate":"v2","baseline":"v1","for":"30s"})";

/// An API over the journal of a real engine on the tests' clock, without a socket.
class RecordedTest : public ApiTest {
 protected:
  RecordedTest() { open(); }

  void open() {
    journal_.reset();
    auto opened = monitor::Journal::open(place_.path() / "state");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(opened).value();
  }
  static rules::Plan plan() {
    return rules::EngineRig::plan_of(
        {}, {rules::make_rule("shop-errors", "error rate > 20% over 5s, min 20 requests, for 1s",
                              "rollback")});
  }
  static rules::RolloutStarted from_v1_to_v2(const rules::EngineRig& rig) {
    return {.at = rig.now(),
            .service = "shop",
            .candidate = "v2",
            .baseline = "v1",
            .lasts = std::chrono::seconds{30},
            .id = kId,
            .commit = "4f2a91c",
            .by = "ci"};
  }
  /// The journal gets what the engine wanted recorded; the API what it shows.
  void record(rules::EngineRig& rig) {
    const Status status = journal_->append(rig.journal);
    ASSERT_TRUE(status.ok()) << status.error().message;
    rig.journal.clear();
    publish(rig.engine.snapshot());
  }
  /// Someone carries out what is asked for.
  static void obey(rules::EngineRig& rig, rules::ActionOutcome::Phase phase) {
    ASSERT_EQ(rig.orders.size(), 1U);
    rig.push(rules::ActionOutcome{
        .at = rig.now(), .intent = rig.orders.back().intent, .phase = phase, .detail = "by hand"});
  }
  /// A rollout of v2 that fails half of its requests, and is rolled back.
  void roll_back(rules::EngineRig& rig, const std::string& route = "/cart") {
    rig.stream("v1", 20, {.version = "v1", .route = "/cart"});
    rig.run(std::chrono::seconds{10});
    rig.stream("v2", 10, {.version = "v2", .route = route});
    rig.stream("v2 fails", 10, {.version = "v2", .route = route, .status = 500, .exceptions = 1});
    rig.push(from_v1_to_v2(rig));
    rig.run(std::chrono::seconds{8});
    obey(rig, rules::ActionOutcome::Phase::applied);
    rig.stream("v2", 0);
    rig.stream("v2 fails", 0);
    rig.stream("v1", 40, {.version = "v1", .route = "/cart"});
    rig.run(std::chrono::minutes{6});
    record(rig);
  }

  /// To its end; the engine has then forgotten it, as it does with what is long over.
  void play_out(const rules::Event& begins) {
    rules::EngineRig rig(plan());
    for (const char* version : {"v1", "v2"}) rig.stream(version, 20, {.version = version});
    rig.run(std::chrono::seconds{12});
    rig.push(begins);
    rig.run(std::chrono::minutes{1});
    record(rig);
    publish(shop());
  }
  /// As ask(), and the engine's thread comes round in between.
  net::Outgoing look(const net::Incoming& asking) {
    net::Outgoing answer = ask(asking);
    for (int i = 0; i < 100 && answer.later; ++i) {
      past_.serve(journal_.get());
      if (std::optional<net::Outgoing> known = answer.later()) answer = *std::move(known);
    }
    return answer;
  }
  net::Outgoing begin_under_key(const std::string& what, const std::string& body) {
    net::Incoming asking = request("POST", "/api/v1/" + what, kGateToken, body);
    asking.headers.push_back({"Idempotency-Key", "run 1"});
    return look(asking);
  }
  std::string markdown(const std::string& id = kId) {
    net::Incoming asking = request("GET", "/api/v1/rollouts/" + id + "/report");
    asking.headers.push_back({"Accept", "text/markdown"});
    return look(asking).body;
  }
  nlohmann::json report(const std::string& id = kId) {
    return json_of(look(request("GET", "/api/v1/rollouts/" + id + "/report")));
  }
  nlohmann::json history(const std::string& query = "") {
    return json_of(look(request("GET", "/api/v1/history" + query)));
  }

  TemporaryDirectory place_;
  std::unique_ptr<monitor::Journal> journal_;
};

}  // namespace belay::test
