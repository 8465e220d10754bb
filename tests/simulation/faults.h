#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "tests/simulation/seeded.h"

namespace belay::simulation {

/// What goes wrong in one world, and how often. Zero: never.
struct Faults {
  // Of each call of the platform.
  double lost_reply = 0;          ///< Done, and no answer.
  double error_after_apply = 0;   ///< Done, and a 5xx.
  double error_before_apply = 0;  ///< Not done, and a 5xx.
  double late_apply = 0;          ///< No answer; done seconds after we gave up.
  double throttled = 0;
  double unreachable = 0;
  double refused = 0;        ///< For good.
  Duration stale_reads{};    ///< Reads may show the world of so long ago.
  Duration slow_calls{};     ///< A call takes up to this.
  double human_deploys = 0;  ///< Each minute, someone deploys something of his own.

  // Of the process; each minute, or at each call.
  double kills = 0;
  double kill_at_disk_call = 0;
  double kill_at_platform_call = 0;
  bool is_power_lost = false;  ///< A kill takes what was not synced, too.
  double restarts = 0;         ///< Each minute, it is stopped and started as one should.

  // Of the disk, at each call.
  double failed_write = 0;
  double failed_sync = 0;
  double full = 0;

  // Of the evidence.
  double outages = 0;     ///< Each minute, a source falls silent.
  double duplicates = 0;  ///< Of each second of requests.
  Duration shuffled{};    ///< Evidence comes up to so much later.
  double bursts = 0;      ///< Each minute, more than the inbox holds.

  // Of the rollouts; each minute.
  double commands = 0;   ///< An operator says something, wanted or not.
  double overtakes = 0;  ///< A newer rollout is begun over the one that runs.
  double crowds = 0;     ///< Many are turned away for a while.
  double lulls = 0;      ///< Hardly anybody calls for a while.
  double hungers = 0;    ///< The newest version gets nothing for a while, whatever the split says.
  double clings = 0;     ///< Of each rollback: its traffic does not follow it, for a while.
  double losses = 0;     ///< A version that may be gone back to cannot be deployed for a while.
  double late_answers = 0;     ///< Of each question of before the first step: its answer is late.
  bool is_unattended = false;  ///< Nobody answers what waits for a person.

  double wall_steps = 0;      ///< Each minute, someone sets the clock.
  double disarms = 0;         ///< Each minute, an operator forbids all actions for a while.
  bool is_unwatched = false;  ///< Nobody reads what is deployed, but to act.
  bool no_releases = false;   ///< Nobody releases anything, but what is bad from the beginning.
  double stalls = 0;          ///< Each minute, the engine is not scheduled for a while.
};

/// Swarm: each world has some of the faults, each as strong as it likes.
Faults draw_faults(Seeded& chance);

/// Those that are on, for people.
std::string describe(const Faults& faults);

}  // namespace belay::simulation
