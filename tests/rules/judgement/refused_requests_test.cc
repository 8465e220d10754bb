#include "rules/judgement/refused_requests.h"

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

/// What is said of `refused` late requests beside so many that count; empty: nothing.
std::string objection(std::uint64_t refused, std::uint64_t counted) {
  RefusedRequests requests;
  requests.add(Refusal::late, refused);
  const auto found = requests.objection("v2", counted);
  return found ? found->why : "";
}

TEST(RefusedRequests, AreAnObjectionFromThreeOnWhichAreMoreThanOneInAHundred) {
  EXPECT_EQ(objection(2, 0), "");
  EXPECT_EQ(objection(3, 297), "");
  EXPECT_EQ(objection(3, 296),
            "3 of 299 requests of v2 do not count: they are too late; nobody knows what they were");
  EXPECT_EQ(objection(10, 990), "");
  EXPECT_NE(objection(10, 989), "");
}

TEST(RefusedRequests, AreLaggingOrAnErrorByTheReasonOfMostOfThem) {
  RefusedRequests requests;
  requests.add(Refusal::late, 2);
  requests.add(Refusal::from_the_future, 1);
  auto found = requests.objection("v2", 0);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->kind, UnknownKind::lagging);
  EXPECT_EQ(found->why,
            "3 of 3 requests of v2 do not count: 2 of them are too late; nobody knows what they "
            "were");
  requests.add(Refusal::from_the_future, 2);
  found = requests.objection("v2", 0);
  EXPECT_EQ(found->kind, UnknownKind::error);
  EXPECT_EQ(found->why,
            "5 of 5 requests of v2 do not count: 3 of them are ahead of this machine's clock; "
            "nobody knows what they were");
}

TEST(RefusedRequests, AreNoneThatCameTwiceOrInAnEarlierStep) {
  RefusedRequests requests;
  requests.add(Refusal::duplicate, 50);
  requests.add(Refusal::none, 50);
  EXPECT_FALSE(requests.objection("v2", 0).has_value());
  EXPECT_EQ(requests.total(Refusal::duplicate), 0U);
  requests.add(Refusal::inconsistent, 50);
  EXPECT_TRUE(requests.objection("v2", 0).has_value());
  requests.begin_step();
  EXPECT_FALSE(requests.objection("v2", 0).has_value());
  EXPECT_EQ(requests.total(Refusal::inconsistent), 50U) << "of the rollout";
}

}  // namespace
}  // namespace belay::rules
