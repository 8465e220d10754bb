#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/config/config_text.h"

namespace belay::monitor {
namespace {

using test::faults_of;
using test::good;
using test::read;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string service(const std::string& name, const std::string& more) {
  return "  " + name + ": { logs: { stdin: {} }" + (more.empty() ? "" : ", " + more) + " }\n";
}

/// One service under each name, of which one has the logs.
std::vector<std::string> faults(const std::string& gateway, const std::string& orders,
                                const std::string& journeys) {
  return faults_of(read("logs: { stdin: {} }\nservices:\n  gateway: { " + gateway +
                        " }\n  orders: { " + orders + " }\n  journeys: { " + journeys + " }\n"));
}

TEST(ReadTrainsTest, ServicesComeAfterOthersAndLookAtTheirCallers) {
  const Config config = good(R"(
trains: { on fail: all }
logs: { stdin: {} }
services:
  gateway: {}
  orders: { after: [gateway], guards: [gateway] }
  journeys: { after: [gateway, orders], rollout: { on train fail: this } }
)");
  const auto& services = config.plan.services;
  EXPECT_THAT(services[0].after, IsEmpty());
  EXPECT_THAT(services[1].after, ElementsAre("gateway"));
  EXPECT_THAT(services[1].guards, ElementsAre("gateway"));
  EXPECT_THAT(services[2].after, ElementsAre("gateway", "orders"));
  EXPECT_TRUE(services[1].rollout.takes_all_back) << "by the default of all";
  EXPECT_FALSE(services[2].rollout.takes_all_back) << "by its own word";
}

TEST(ReadTrainsTest, AFailTakesOnlyItselfBackByDefault) {
  EXPECT_FALSE(good("services:\n" + service("shop", "")).plan.services[0].rollout.takes_all_back);
}

TEST(ReadTrainsTest, AnUnknownNeighbourIsRefusedWithTheOneThatWasMeant) {
  EXPECT_THAT(faults("", "after: [gatewey]", "guards: [nobody]"),
              ElementsAre(HasSubstr("4: error: there is no service gatewey; did you mean gateway?"),
                          HasSubstr("5: error: there is no service nobody")));
}

TEST(ReadTrainsTest, ACycleIsRefusedWhereItClosesAndSpelledOut) {
  EXPECT_THAT(faults("after: [journeys]", "after: [gateway]", "after: [orders]"),
              ElementsAre(HasSubstr("none of them could ever begin: gateway after journeys after "
                                    "orders after gateway")));
  EXPECT_THAT(faults("after: [gateway]", "", ""),
              ElementsAre(HasSubstr("gateway cannot come after itself")));
}

TEST(ReadTrainsTest, WhatStandsTwiceOrGuardsItselfIsRefused) {
  EXPECT_THAT(faults("", "after: [gateway, gateway]", ""),
              ElementsAre(HasSubstr("gateway stands here twice")));
  EXPECT_THAT(faults("guards: [gateway]", "", ""),
              ElementsAre(HasSubstr("gateway cannot guard itself")));
}

TEST(ReadTrainsTest, AGuardThatCouldNeverBeFineOrHasNoRulesIsTold) {
  EXPECT_THAT(
      faults("rules: [packs/queues]", "guards: [journeys]", "rules: [], rollout: { rules: [] }"),
      Contains(HasSubstr("warning: journeys has no rule that counts")));
}

TEST(ReadTrainsTest, AWrongPolicyIsRefused) {
  EXPECT_THAT(faults_of(read("trains: { on fail: everything }\nservices:\n" + service("a", ""))),
              ElementsAre(HasSubstr("one of these should stand here: this, all")));
}

}  // namespace
}  // namespace belay::monitor
