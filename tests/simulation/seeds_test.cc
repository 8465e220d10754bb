// Goal: no world makes Belay break a promise. Method: 2,000 worlds from seeds, with the real
// engine, journal, recovery and attempts in them; a failure names its seed, and
// `belay_simulator --seed N` tells its story. BELAY_SEEDS=first-last chooses others.

#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "tests/simulation/evidence.h"
#include "tests/simulation/world.h"

namespace belay::simulation {
namespace {

struct Seeds {
  unsigned long long first = 1;
  unsigned long long last = 2000;
};

Seeds wanted() {
  Seeds seeds;
  const char* const chosen = std::getenv("BELAY_SEEDS");
  if (chosen != nullptr && std::sscanf(chosen, "%llu-%llu", &seeds.first, &seeds.last) == 1)
    seeds.last = seeds.first;
  return seeds;
}

constexpr unsigned long long kParts = 16;

/// Each part on its own: a machine with several cores takes several, and a slow one has time for
/// it.
class SeedsTest : public testing::TestWithParam<unsigned long long> {};

TEST_P(SeedsTest, NoWorldMakesItBreakAPromise) {
  spdlog::set_level(spdlog::level::off);
  Machine machine;
  const Seeds seeds = wanted();
  Witness::Counts all;
  int worlds = 0;
  int bad = 0;
  for (unsigned long long seed = seeds.first + GetParam(); seed <= seeds.last; seed += kParts) {
    const Report report = machine.run(seed);
    ++worlds;
    for (const std::string& promise : report.broken)
      ADD_FAILURE() << "seed " << seed << " breaks " << promise << "\nwith " << report.faults;
    for (const std::string& difference : shuffled_evidence_differs(seed))
      ADD_FAILURE() << "seed " << seed << " breaks " << difference;
    if (seed % 16 == 0)
      for (const std::string& difference : set_clock_differs(machine, seed))
        ADD_FAILURE() << "seed " << seed << " breaks " << difference;
    all += report.counts;
    bad += report.broken.empty() ? 0 : 1;
    if (bad > 4) return;
  }
  std::printf("%d worlds: %s\n", worlds, describe(all).c_str());
  if (worlds >= 100) {
    EXPECT_GT(all.rollbacks, worlds / 2) << "the worlds must give it something to do";
    EXPECT_GT(all.promotions, worlds / 4);
    EXPECT_GT(all.kills, worlds / 4);
  }
}

INSTANTIATE_TEST_SUITE_P(Parts, SeedsTest, testing::Range(0ULL, kParts));

TEST(SameSeedTest, GivesTheSameWorld) {
  spdlog::set_level(spdlog::level::off);
  Machine machine;
  for (const unsigned seed : {3U, 17U, 40U}) {
    const Report first = machine.run(seed);
    static_cast<void>(machine.run(seed + 1));
    EXPECT_EQ(first.story, machine.run(seed).story) << "seed " << seed;
  }
}

}  // namespace
}  // namespace belay::simulation
