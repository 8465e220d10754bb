#include "monitor/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

rules::Snapshot snapshot_with(std::vector<rules::SourceStatus> sources) {
  rules::Snapshot snapshot;
  snapshot.sources = std::move(sources);
  return snapshot;
}

rules::SourceStatus source(const std::string& name, rules::SourceHealth health,
                           bool blind = false) {
  return {.name = name, .service = "shop", .health = health, .blind = blind, .detail = "no file"};
}

class HealthTest : public testing::Test {
 protected:
  ThreadProgress progress_;
  Health health_{[this] { return progress_; }};
};

TEST_F(HealthTest, IsAliveWhileTheEngineStepsAndNotWhenItStops) {
  EXPECT_EQ(health_.healthz().status, 200);
  progress_.since_engine_step = 6s;
  const net::Outgoing answer = health_.healthz();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("the engine has not stepped for 6s"));
}

TEST_F(HealthTest, IsNotAliveWhenAnActionNeverReturns) {
  progress_.actor_is_stuck = true;
  EXPECT_EQ(health_.healthz().status, 503);
}

TEST_F(HealthTest, IsNotReadyBeforeTheFirstPicture) {
  EXPECT_EQ(health_.readyz().status, 503);
  health_.publish(snapshot_with({source("tail", rules::SourceHealth::alive)}));
  EXPECT_EQ(health_.readyz().status, 200);
}

TEST_F(HealthTest, IsReadyWithOneSourceAndNamesAllOfThemWithNone) {
  health_.publish(snapshot_with(
      {source("tail", rules::SourceHealth::alive), source("queues", rules::SourceHealth::down)}));
  EXPECT_THAT(health_.why_not_ready(), IsEmpty());
  health_.publish(snapshot_with({source("tail", rules::SourceHealth::alive, true),
                                 source("queues", rules::SourceHealth::down)}));
  EXPECT_THAT(health_.why_not_ready(),
              ElementsAre("no source is connected", "shop/tail: silent for three of its intervals",
                          "shop/queues: not connected: no file"));
}

TEST_F(HealthTest, IsNotReadyWhenTheJournalCannotBeWritten) {
  health_.publish(snapshot_with({source("tail", rules::SourceHealth::alive)}));
  progress_.journal_trouble = "the journal: the disk is full";
  const auto body = nlohmann::json::parse(health_.readyz().body);
  EXPECT_EQ(body.at("status"), "not ready");
  EXPECT_THAT(body.at("reasons").at(0).get<std::string>(), HasSubstr("journal"));
}

}  // namespace
}  // namespace belay::monitor
