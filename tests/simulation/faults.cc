#include "tests/simulation/faults.h"

#include <chrono>
#include <cmath>

namespace belay::simulation {
namespace {

using namespace std::chrono_literals;

struct Rate {
  const char* name;
  double Faults::*rate;
  double most;
};
constexpr Rate kRates[] = {
    {"lost_reply", &Faults::lost_reply, 0.6},
    {"error_after_apply", &Faults::error_after_apply, 0.6},
    {"error_before_apply", &Faults::error_before_apply, 0.6},
    {"late_apply", &Faults::late_apply, 0.6},
    {"throttled", &Faults::throttled, 0.6},
    {"unreachable", &Faults::unreachable, 0.5},
    {"refused", &Faults::refused, 0.3},
    {"human_deploys", &Faults::human_deploys, 1.0},
    {"kills", &Faults::kills, 2.0},
    {"kill_at_disk_call", &Faults::kill_at_disk_call, 0.1},
    {"kill_at_platform_call", &Faults::kill_at_platform_call, 0.5},
    {"restarts", &Faults::restarts, 1.0},
    {"failed_write", &Faults::failed_write, 0.02},
    {"failed_sync", &Faults::failed_sync, 0.02},
    {"full", &Faults::full, 0.05},
    {"outages", &Faults::outages, 1.0},
    {"duplicates", &Faults::duplicates, 0.5},
    {"bursts", &Faults::bursts, 1.0},
    {"commands", &Faults::commands, 4.0},
    {"overtakes", &Faults::overtakes, 0.5},
    {"crowds", &Faults::crowds, 1.0},
    {"lulls", &Faults::lulls, 1.0},
    {"hungers", &Faults::hungers, 1.0},
    {"clings", &Faults::clings, 0.7},
    {"losses", &Faults::losses, 1.0},
    {"late_answers", &Faults::late_answers, 1.0},
    {"wall_steps", &Faults::wall_steps, 1.0},
    {"disarms", &Faults::disarms, 0.5},
    {"stalls", &Faults::stalls, 1.0},
};

}  // namespace

Faults draw_faults(Seeded& chance) {
  Faults faults;
  const double swarm = chance.unit() * 0.6;
  for (const Rate& one : kRates) {
    const bool is_on = chance.chance(swarm);
    // From a twentieth of it up to all of it, on a logarithmic scale.
    const double strength = one.most * std::pow(20.0, chance.unit() - 1.0);
    if (is_on) faults.*one.rate = strength;
  }
  if (chance.chance(swarm)) faults.stale_reads = chance.between(1s, 5s);
  if (chance.chance(swarm)) faults.slow_calls = chance.between(100ms, 8s);
  if (chance.chance(swarm)) faults.shuffled = chance.between(100ms, 3s);
  faults.is_power_lost = chance.chance(0.5);
  faults.is_unwatched = chance.chance(0.3);
  faults.is_unattended = chance.chance(0.2);
  return faults;
}

std::string describe(const Faults& faults) {
  std::string text;
  for (const Rate& one : kRates)
    if (faults.*one.rate > 0)
      text += std::string(one.name) + " " + std::to_string(faults.*one.rate) + ", ";
  const auto add = [&text](const char* name, Duration most) {
    if (most > Duration::zero())
      text += std::string(name) + " " +
              format_duration(std::chrono::floor<std::chrono::milliseconds>(most)) + ", ";
  };
  add("stale_reads", faults.stale_reads);
  add("slow_calls", faults.slow_calls);
  add("shuffled", faults.shuffled);
  if (faults.is_unwatched) text += "is_unwatched, ";
  if (faults.is_unattended) text += "is_unattended, ";
  return text + (faults.is_power_lost ? "power is lost" : "power stays");
}

}  // namespace belay::simulation
