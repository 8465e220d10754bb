// Goal: the simulator finds what it is there to find. Method: bugs that others have had, planted
// around the ports; each must be found within so many seeds, and by the promise that it breaks.

#include "tests/simulation/plants.h"

#include <cstdio>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "tests/simulation/evidence.h"

namespace belay::simulation {
namespace {

using Find = std::function<std::vector<std::string>(Machine&, std::uint64_t seed, const Plant&)>;

std::vector<std::string> in_a_world(Machine& machine, std::uint64_t seed, const Plant& plant) {
  return machine.run(seed, plant).broken;
}
std::vector<std::string> in_evidence(Machine& /*machine*/, std::uint64_t seed, const Plant& plant) {
  return shuffled_evidence_differs(seed, plant);
}
std::vector<std::string> in_time(Machine& machine, std::uint64_t seed, const Plant& plant) {
  return set_clock_differs(machine, seed, plant);
}

struct Case {
  const char* name;
  std::function<Plant()> plant;
  Find find;
  const char* promise;  ///< How what is broken begins.
  std::uint64_t seeds_max;
  std::uint64_t first_seed = 1;  ///< Of a rare one: shortly before one that finds it.
};

class PlantsTest : public testing::TestWithParam<Case> {};

TEST_P(PlantsTest, ThePlantedBugIsFound) {
  spdlog::set_level(spdlog::level::off);
  const Case& one = GetParam();
  Machine machine;
  for (std::uint64_t tried = 0; tried < one.seeds_max; ++tried) {
    const std::uint64_t seed = one.first_seed + tried;
    const std::vector<std::string> broken = one.find(machine, seed, one.plant());
    for (const std::string& promise : broken) {
      if (!promise.starts_with(one.promise)) continue;
      std::printf("%s: found by seed %d: %s\n", one.name, static_cast<int>(seed), promise.c_str());
      return;
    }
  }
  ADD_FAILURE() << "not found within " << one.seeds_max << " seeds";
}

const Case kCases[] = {
    {"BlindRetry", blind_retry, in_a_world, "1 ", 100},
    {"NoFence", no_fence, in_a_world, "3 ", 200},
    {"PreviousVersion", previous_version, in_a_world, "4 ", 200},
    {"ActingUnrecorded", acting_unrecorded, in_a_world, "2 ", 20},
    {"ForgottenIntents", forgotten_intents, in_a_world, "13 ", 100},
    {"ForgottenActions", forgotten_actions, in_a_world, "14 ", 300},
    {"RollbackOfARollback", forgotten_actions, in_a_world, "never a rollback of", 100, 300},
    {"ForgottenRollouts", forgotten_rollouts, in_a_world, "7 ", 20},
    {"ForgottenDisarms", forgotten_disarms, in_a_world, "7 ", 100},
    {"LostOutcomes", lost_outcomes, in_a_world, "13 ", 20},
    {"StaleIsHealthy", stale_is_healthy, in_a_world, "5 ", 100},
    {"CountingTwice", counting_twice, in_evidence, "10 ", 5},
    {"WallClock", wall_clock, in_time, "11 ", 20},
    {"DeafRoute", deaf_route, in_a_world, "6 ", 200},
    {"MovingTwice", blind_retry, in_a_world, "23 ", 200},
    {"BakeThatGoesOn", bake_that_goes_on, in_a_world, "18 ", 100},
    {"ForgottenPauses", forgotten_pauses, in_a_world, "7 ", 100},
    {"SkippedSteps", skipped_steps, in_a_world, "7 ", 100},
    {"ActingAfterAnAbort", deaf_actor, in_a_world, "17 ", 200},
    {"ActingWhileDisarmed", deaf_actor, in_a_world, "20 ", 500},
    {"MovingInAFreeze", no_freezes, in_a_world, "19 ", 100},
    {"BeginningWithoutAsking", no_questions, in_a_world, "21 ", 100},
    {"GoneByWord", gone_by_word, in_a_world, "24 ", 200},
    {"ToldAgain", told_again, in_a_world, "8 ", 20},
    {"GoingBackToBaking", going_back_to_baking, in_a_world, "8 ", 100},
    {"PassingWhatFailed", passing_what_failed, in_a_world, "9 ", 300},
    {"LeakyLane", leaky_lane, in_a_world, "12 ", 20},
    {"SeeingGhosts", seeing_ghosts, in_a_world, "22 ", 100},
    {"ForgottenSilences", forgotten_silences, in_a_world, "7 ", 300},
    {"ForgottenHolds", forgotten_holds, in_a_world, "7 ", 100},
    {"ForgottenReasons", forgotten_reasons, in_a_world, "7 ", 100},
    {"PromotingAtTheMaximum", promoting_at_the_maximum, in_a_world, "16 ", 100},
};

INSTANTIATE_TEST_SUITE_P(Planted, PlantsTest, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace belay::simulation
