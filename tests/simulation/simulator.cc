// Runs worlds by hand:
//   belay_simulator --seed N         tells the story of one world; exit code 1 if it breaks a
//   promise belay_simulator --minutes M      as many as fit into M minutes, from a seed that it
//   prints
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

#include "tests/simulation/evidence.h"
#include "tests/simulation/world.h"

namespace {

using belay::simulation::Machine;
using belay::simulation::Report;

int tell(std::uint64_t seed) {
  Machine machine;
  const Report report = machine.run(seed);
  for (const std::string& line : report.story) std::printf("%s\n", line.c_str());
  std::printf("seed %llu with %s\n%s\n", static_cast<unsigned long long>(seed),
              report.faults.c_str(), describe(report.counts).c_str());
  for (const std::string& promise : report.broken) std::printf("BROKEN %s\n", promise.c_str());
  return report.broken.empty() ? 0 : 1;
}

int torture(double minutes) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                         std::chrono::duration<double>(minutes * 60));
  const std::uint64_t first = std::random_device{}();
  std::printf("seeds from %llu\n", static_cast<unsigned long long>(first));
  Machine machine;
  belay::simulation::Witness::Counts all;
  std::uint64_t seed = first;
  int bad = 0;
  for (; std::chrono::steady_clock::now() < until; ++seed) {
    Report report = machine.run(seed);
    for (std::string& one : belay::simulation::shuffled_evidence_differs(seed))
      report.broken.push_back(std::move(one));
    all += report.counts;
    bad += report.broken.empty() ? 0 : 1;
    for (const std::string& promise : report.broken)
      std::printf("seed %llu breaks %s\n", static_cast<unsigned long long>(seed), promise.c_str());
  }
  std::printf("%llu worlds, %d broken: %s\n", static_cast<unsigned long long>(seed - first), bad,
              describe(all).c_str());
  return bad == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  spdlog::set_level(spdlog::level::off);
  const std::string_view verb = count == 3 ? words[1] : "";
  if (verb == "--seed") return tell(std::strtoull(words[2], nullptr, 10));
  if (verb == "--minutes") return torture(std::strtod(words[2], nullptr));
  std::fprintf(stderr, "usage: belay_simulator --seed N | --minutes M\n");
  return 2;
}
