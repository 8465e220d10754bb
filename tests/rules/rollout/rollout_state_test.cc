#include "rules/rollout/rollout_state.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "rules/rollout/rollout_record.h"

namespace belay::rules {
namespace {

using enum RolloutState;

constexpr std::array kAll = {pending,      preflight,    baking,    held,      promoted,
                             failed,       rolling_back, verifying, recovered, not_recovered,
                             inconclusive, superseded,   aborted};

/// Written by hand, apart from the table in the code.
std::vector<RolloutState> followers(RolloutState state) {
  switch (state) {
    case pending:
      return {preflight, baking, held, superseded, aborted, inconclusive};
    case preflight:
      return {baking, held, superseded, aborted, inconclusive};
    case baking:
      return {baking, held, promoted, failed, rolling_back, inconclusive, superseded, aborted};
    case held:
      return {preflight,    baking,       held,       promoted, failed,
              rolling_back, inconclusive, superseded, aborted};
    case rolling_back:
      return {rolling_back, verifying, failed, not_recovered, inconclusive, superseded};
    case verifying:
      return {rolling_back, recovered, not_recovered, inconclusive, superseded};
    default:
      return {};
  }
}

RolloutRecord record_in(RolloutState state) {
  RememberedRollout remembered;
  remembered.started.id = "r";
  remembered.started.candidate = "v2";
  remembered.started.steps = default_steps();
  remembered.state = state;
  return {remembered, "shop", Mode::enforce};
}

TEST(RolloutStates, WhoFailedItIsSaidWhereTheJournalSaysOnlyWhatCameOfIt) {
  for (const auto& [rule, words] :
       std::vector<std::pair<std::string, std::string>>{{"errors", "errors fired"},
                                                        {"by hand", "rolled back by hand"},
                                                        {"train", "its train failed"}}) {
    RememberedRollout remembered;
    remembered.started.id = "r";
    remembered.started.steps = default_steps();
    remembered.state = verifying;
    remembered.verdict = Outcome::fail;
    remembered.rule = rule;
    EXPECT_EQ(RolloutRecord(remembered, "shop", Mode::enforce).failed_by(), words);
  }
}

TEST(RolloutStates, EveryMoveIsEitherLegalOrRefusedByAnAbort) {
  for (const RolloutState from : kAll) {
    const std::vector<RolloutState> legal = followers(from);
    for (const RolloutState to : kAll) {
      const bool is_legal = std::find(legal.begin(), legal.end(), to) != legal.end();
      EXPECT_EQ(may_follow(from, to), is_legal) << name_of(from) << " -> " << name_of(to);
      if (!is_legal || to == held) continue;
      Step out;
      RolloutRecord record = record_in(from);
      record.move(to, "why", Instant{std::chrono::seconds{1}}, out);
      EXPECT_EQ(record.state(), to);
      ASSERT_EQ(out.journal.size(), 1U) << "each move is in the journal";
      EXPECT_EQ(out.journal[0].kind == JournalEntry::Kind::rollout_ended, is_final(to));
    }
  }
}

TEST(RolloutStatesDeathTest, AnIllegalMoveEndsTheProcess) {
  Step out;
  RolloutRecord record = record_in(promoted);
  EXPECT_DEATH(record.move(rolling_back, "why", Instant{}, out), "cannot go from one state");
  EXPECT_DEATH(record.hold(HoldReason::paused, "why", Instant{}, out), "cannot be held");
}

TEST(RolloutStates, NothingFollowsAFinalOneAndNothingIsFinalThatIsJudged) {
  for (const RolloutState state : kAll) {
    EXPECT_EQ(is_final(state), followers(state).empty()) << name_of(state);
    EXPECT_FALSE(is_final(state) && is_judged(state)) << name_of(state);
    EXPECT_EQ(rollout_state_of(name_of(state)), state);
  }
  EXPECT_FALSE(rollout_state_of("unheard_of"));
  EXPECT_EQ(hold_reason_of("traffic"), HoldReason::traffic);
  EXPECT_FALSE(hold_reason_of(""));
}

}  // namespace
}  // namespace belay::rules
