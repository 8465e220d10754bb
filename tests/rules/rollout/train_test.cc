// Whose turn it is in a train: a pure function of where its rollouts stand.

#include "rules/rollout/train.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using enum RolloutState;
using Kind = TrainTurn::Kind;

Instant at(int second) { return Instant{} + std::chrono::seconds{second}; }

TrainMember member(const std::string& service, RolloutState state,
                   std::vector<std::string> after = {}, int ended = 0) {
  TrainMember made{.service = service,
                   .rollout = service + "-id",
                   .candidate = "v2",
                   .after = std::move(after),
                   .takes_all_back = false,
                   .state = state,
                   .verdict = Outcome::unknown,
                   .why = "",
                   .started = at(0),
                   .ended = std::nullopt,
                   .has_moved = state != pending && state != preflight,
                   .is_off = state == recovered,
                   .was_taken_back = false};
  if (state == promoted) made.verdict = Outcome::pass;
  if (state == failed || state == rolling_back || state == verifying || state == recovered ||
      state == not_recovered)
    made.verdict = Outcome::fail;
  if (is_final(state)) made.ended = at(ended);
  return made;
}

TrainMember failing(const std::string& service, RolloutState state, int ended = 0) {
  TrainMember made = member(service, state, {}, ended);
  made.takes_all_back = true;
  return made;
}

TrainMember taken_back(const std::string& service, RolloutState state) {
  TrainMember made = member(service, state, {}, 9);
  made.was_taken_back = true;
  return made;
}

std::string text(const std::vector<TrainTurn>& turns) {
  std::string text;
  for (const TrainTurn& turn : turns) {
    constexpr const char* kNames[] = {"waits", "begins", "ends", "back", "stranded"};
    text += turn.service + ":" + kNames[static_cast<int>(turn.kind)] + " ";
  }
  return text;
}

TEST(Train, WhoComesAfterOthersWaitsForThemAndSaysForWhom) {
  const auto turns = turns_of({member("gateway", pending), member("orders", pending, {"gateway"}),
                               member("journeys", pending, {"orders", "gateway"})});
  EXPECT_EQ(text(turns), "gateway:begins journeys:waits orders:waits ");
  EXPECT_EQ(turns[1].why, "waits for orders, gateway");
}

TEST(Train, OnlyServicesThatAreInTheTrainCount) {
  EXPECT_EQ(text(turns_of({member("orders", pending, {"gateway", "billing"})})), "orders:begins ");
}

TEST(Train, NobodyBeginsBeforeAllBeforeItArePromoted) {
  for (const RolloutState state : {pending, preflight, baking, held})
    EXPECT_EQ(text(turns_of({member("a", state), member("b", promoted, {}, 1),
                             member("c", pending, {"a", "b"})}))
                  .find("c:begins"),
              std::string::npos)
        << name_of(state);
  EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), member("b", pending, {"a"})})),
            "b:begins ");
}

TEST(Train, AFailStopsAllThatHasNotMovedAndNamesItself) {
  for (const RolloutState state : {failed, rolling_back, verifying, recovered, not_recovered}) {
    const auto turns =
        turns_of({member("a", state), member("b", pending, {"a"}), member("c", pending),
                  member("d", baking), member("e", preflight)});
    EXPECT_EQ(text(turns), "b:ends c:ends e:ends ") << name_of(state);
    EXPECT_EQ(turns[0].why, "a v2 failed");
  }
}

TEST(Train, AnEndThatIsNoPassStopsThoseThatComeAfterItHoweverFar) {
  for (const RolloutState state : {inconclusive, superseded, aborted}) {
    const auto turns = turns_of({member("a", state), member("b", pending, {"a"}),
                                 member("c", pending, {"b"}), member("d", pending)});
    EXPECT_EQ(text(turns), "b:ends c:ends d:begins ") << name_of(state);
    EXPECT_EQ(turns[1].why, "a v2 is " + std::string(name_of(state)));
  }
}

TEST(Train, WhatHasTrafficBeforeItsTurnIsJudgedAtOnce) {
  TrainMember early = member("b", pending, {"a"});
  early.has_moved = true;
  EXPECT_EQ(text(turns_of({member("a", baking), early})), "b:begins ");
  EXPECT_EQ(text(turns_of({member("a", failed), early})), "b:begins ") << "nobody else looks at it";
}

TEST(Train, AFailTakesNobodyElseBackUnlessItSaysSo) {
  EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), member("b", recovered, {}, 5)})), "");
}

TEST(Train, AllIsTakenBackNewestFirstAndOneByOne) {
  std::vector<TrainMember> train = {member("a", promoted, {}, 1), member("b", promoted, {}, 2),
                                    member("c", baking), failing("d", rolling_back)};
  EXPECT_EQ(text(turns_of(train)), "") << "its own rollback comes first";
  train[3].state = verifying;
  EXPECT_EQ(text(turns_of(train)), "") << "and is verified";
  train[3] = failing("d", recovered, 3);
  EXPECT_EQ(text(turns_of(train)), "c:back ") << "what still bakes was moved last";
  train[2] = taken_back("c", rolling_back);
  EXPECT_EQ(text(turns_of(train)), "");
  train[2] = taken_back("c", recovered);
  EXPECT_EQ(text(turns_of(train)), "b:back ");
  train[1] = taken_back("b", verifying);
  EXPECT_EQ(text(turns_of(train)), "");
  train[1] = taken_back("b", recovered);
  EXPECT_EQ(text(turns_of(train)), "a:back ");
  EXPECT_EQ(turns_of(train)[0].why, "d v2 failed");
  train[0] = taken_back("a", recovered);
  EXPECT_EQ(text(turns_of(train)), "");
}

TEST(Train, TheRestIsStrandedWhereOneDoesNotRecover) {
  TrainMember mended = failing("c", recovered, 5);
  mended.is_off = false;
  EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), mended})), "a:stranded ")
      << "c was mended by a flag, and stays";
  for (const RolloutState state : {failed, not_recovered, inconclusive, superseded}) {
    const auto turns = turns_of(
        {member("a", promoted, {}, 1), taken_back("b", state), failing("c", recovered, 5)});
    EXPECT_EQ(text(turns), "a:stranded ") << name_of(state);
    EXPECT_EQ(turns[0].why, "b v2 is " + std::string(name_of(state)));
  }
}

TEST(Train, AFailThatWasNotRolledBackTakesNobodyBack) {
  EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), failing("b", failed, 5)})), "a:stranded ");
  EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), failing("b", not_recovered, 5)})),
            "a:stranded ")
      << "its rollback could not be done";
}

TEST(Train, AFailThatGoesOnAfterItsRollbackMayBeTheOthers) {
  TrainMember fail = failing("b", not_recovered, 5);
  fail.is_off = true;
  EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), fail})), "a:back ");
}

TEST(Train, WhatFailedItIsSaidAndNotWhatCameOfItsRollback) {
  TrainMember fail = failing("b", recovered, 5);
  fail.why = "errors is fine";
  fail.failed_by = "errors fired";
  const auto turns = turns_of({member("a", promoted, {}, 1), fail});
  ASSERT_EQ(text(turns), "a:back ");
  EXPECT_EQ(turns[0].why, "b v2 failed: errors fired");
}

TEST(Train, OtherEndsTakeNobodyBack) {
  for (const RolloutState state : {inconclusive, superseded, aborted})
    EXPECT_EQ(text(turns_of({member("a", promoted, {}, 1), failing("b", state, 5)})), "")
        << name_of(state);
}

TEST(Train, StopsOnlyByAFail) {
  EXPECT_FALSE(why_stopped({member("a", aborted), member("b", baking)}));
  EXPECT_EQ(why_stopped({member("a", rolling_back), member("b", baking)}), "a v2 failed");
}

TEST(Train, NobodyGetsTrafficWhileARuleFiresOnWhatWasPromoted) {
  TrainMember bad = member("a", promoted, {}, 1);
  bad.fires = "shop-5xx";
  const std::vector<TrainMember> train = {bad, member("b", pending, {"a"}), member("c", pending),
                                          member("d", baking)};
  const auto turns = turns_of(train);
  EXPECT_EQ(text(turns), "b:waits c:waits ");
  EXPECT_EQ(turns[0].why, "waits: a v2 was promoted, and this fires on it now: shop-5xx");
  EXPECT_EQ(why_stopped(train), "a v2 was promoted, and this fires on it now: shop-5xx");
}

TEST(Train, NothingBeginsWhileARuleMayFireOnWhatWasPromoted) {
  TrainMember young = member("a", promoted, {}, 1);
  young.may_fire = "shop-5xx";
  const std::vector<TrainMember> train = {young, member("b", pending, {"a"}), member("d", baking)};
  const auto turns = turns_of(train);
  EXPECT_EQ(text(turns), "b:waits ");
  EXPECT_EQ(turns[0].why, "waits: a v2 was promoted, and this may fire on it: shop-5xx");
  EXPECT_FALSE(why_stopped(train)) << "what bakes is judged by its own rules";
}

TEST(Train, ACycleIsSpelledOut) {
  EXPECT_TRUE(cycle_in({{"a", {"b", "c"}}, {"b", {"c"}}, {"c", {"x"}}}).empty());
  const auto cycle = cycle_in({{"a", {"b"}}, {"b", {"c"}}, {"c", {"d"}}, {"d", {"b"}}});
  EXPECT_EQ(words_of_cycle(cycle), "b after c after d after b");
  EXPECT_EQ(words_of_cycle(cycle_in({{"a", {"a"}}})), "a after a");
}

/// One world of a train: states go on by chance, and turns are taken as a rollout takes them.
class RandomTrain {
 public:
  explicit RandomTrain(std::uint32_t seed) : random_(seed) {
    const int count = 2 + pick(5);
    for (int i = 0; i < count; ++i) {
      std::vector<std::string> after;
      for (int j = 0; j < i; ++j)
        if (pick(3) == 0) after.push_back(name(j));
      members_.push_back(member(name(i), pending, after));
      members_.back().takes_all_back = pick(2) == 0;
    }
  }

  void run() {
    for (now_ = 1; now_ < 400; ++now_) {
      if (pick(4) == 0) {  // A restart: nothing but the states is remembered.
        const std::vector<TrainMember> remembered = members_;
        EXPECT_EQ(text(turns_of(remembered)), text(turns_of(members_)));
      }
      std::shuffle(members_.begin(), members_.end(), random_);
      for (const TrainTurn& turn : turns_of(members_)) take(turn);
      for (TrainMember& one : members_)
        if (pick(6) == 0) go_on(one);
      check();
    }
  }

 private:
  static std::string name(int i) { return std::string(1, static_cast<char>('a' + i)); }
  int pick(int below) { return static_cast<int>(random_() % static_cast<std::uint32_t>(below)); }
  TrainMember& find(const std::string& service) {
    return *std::find_if(members_.begin(), members_.end(),
                         [&](const TrainMember& one) { return one.service == service; });
  }

  void take(const TrainTurn& turn) {
    TrainMember& one = find(turn.service);
    if (turn.kind == Kind::begins) {
      ASSERT_EQ(one.state, pending);
      for (const std::string& before : one.after)
        EXPECT_EQ(find(before).state, promoted) << turn.service << " begins before " << before;
      one.state = baking;
      one.has_moved = true;
    } else if (turn.kind == Kind::ends) {
      ASSERT_EQ(one.state, pending);
      end(one, aborted);
    } else if (turn.kind == Kind::taken_back) {
      ASSERT_TRUE(one.state == promoted || one.state == baking);
      EXPECT_EQ(++taken_back_[one.service], 1);
      for (const TrainMember& other : members_) {
        EXPECT_NE(other.state, rolling_back);
        EXPECT_NE(other.state, verifying);
        if (other.state == promoted && one.state == promoted) {
          EXPECT_LE(other.ended, one.ended);
        }
        if (other.state == baking) {
          EXPECT_EQ(one.state, baking) << "what bakes comes first";
        }
      }
      one.state = rolling_back;
      one.verdict = Outcome::fail;
      one.was_taken_back = true;
      one.ended.reset();
    }
  }

  void go_on(TrainMember& one) {
    if (one.state == baking) {
      const int what = pick(10);
      if (what < 7) return end(one, promoted);
      if (what == 7) return end(one, pick(2) == 0 ? inconclusive : aborted);
      one.state = rolling_back;
      one.verdict = Outcome::fail;
    } else if (one.state == rolling_back) {
      one.state = verifying;
      one.is_off = true;
    } else if (one.state == verifying) {
      end(one, pick(5) == 0 ? not_recovered : recovered);
    }
  }

  void end(TrainMember& one, RolloutState state) {
    one.state = state;
    one.ended = at(now_);
    if (state == promoted) one.verdict = Outcome::pass;
  }

  void check() {
    const bool is_pending = std::any_of(members_.begin(), members_.end(),
                                        [](const auto& one) { return one.state == pending; });
    const bool is_moving = std::any_of(members_.begin(), members_.end(), [](const auto& one) {
      return !is_final(one.state) && one.state != pending;
    });
    if (is_pending && !is_moving) {
      const std::vector<TrainTurn> turns = turns_of(members_);
      EXPECT_TRUE(std::any_of(turns.begin(), turns.end(), [](const TrainTurn& turn) {
        return turn.kind == Kind::begins || turn.kind == Kind::ends;
      })) << "nobody waits for ever";
    }
  }

  std::mt19937 random_;
  int now_ = 0;
  std::vector<TrainMember> members_;
  std::map<std::string, int> taken_back_;
};

TEST(Train, WhatIsTakenBackNamesTheFailThatCameFirst) {
  const std::vector<TrainMember> train = {failing("a", recovered, 9), failing("b", recovered, 5),
                                          member("c", promoted, {}, 3)};
  const std::vector<TrainTurn> turns = turns_of(train);
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_EQ(turns[0].kind, Kind::taken_back);
  EXPECT_TRUE(turns[0].why.starts_with("b v2 failed")) << turns[0].why;
  EXPECT_EQ(turns[0].why, why_stopped(train));
}

TEST(Train, InAnyOrderOfEventsItKeepsItsOrderAndTakesEachBackOnceAtTheMost) {
  for (std::uint32_t seed = 1; seed <= 2'000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomTrain(seed).run();
  }
}

}  // namespace
}  // namespace belay::rules
