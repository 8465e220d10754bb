#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sink.h"
#include "monitor/attempt.h"
#include "monitor/engine_loop.h"
#include "monitor/inbox.h"
#include "monitor/platform/platforms.h"
#include "rules/plan.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/plant.h"
#include "tests/simulation/questions.h"
#include "tests/simulation/traffic.h"
#include "tests/simulation/witness.h"

namespace belay::simulation {

/// One life of the daemon, from its start to its end: the real journal, recovery, engine, loop and
/// attempts, wired as Daemon wires them, on one thread. Ends with its destructor, as by a kill;
/// what it still writes then does not get through if the disk is dead.
class Life {
 public:
  /// What outlives it.
  struct World {
    const rules::Plan& plan;
    const std::filesystem::path& state;
    Disk& disk;
    const WorldTime& time;
    Witness& witness;
    const Plant& plant;
    const Faults& faults;
    std::vector<Traffic>& traffic;  ///< By service, as in the plan.
    /// The platform of a service, for this life.
    std::function<std::unique_ptr<monitor::Platform>(std::size_t service)> platform;
    Seeded chance;
  };

  /// Throws Killed.
  explicit Life(World world);
  ~Life();
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  void deliver(rules::Event event) { inbox_.deliver(std::move(event)); }
  monitor::Lane& lane(std::size_t service) { return *lanes_[service]; }
  /// One round of the engine. Throws Killed.
  void step();
  /// The actor does what is due; time passes in its calls. Throws Killed.
  void act();
  /// As by SIGTERM: what is in the inbox is taken and recorded.
  void end_well();

  [[nodiscard]] Instant now() const { return clock_->now(); }
  [[nodiscard]] bool is_degraded() const { return loop_->degraded(); }
  /// As of the last time the engine published.
  [[nodiscard]] const rules::ServiceStatus* status(std::size_t service) const;
  [[nodiscard]] const std::optional<rules::Snapshot>& snapshot() const { return published_; }
  monitor::Journal* journal() { return journal_.get(); }

 private:
  class Ear;
  [[nodiscard]] rules::Plan planned() const;
  void open_journal();
  void answer();
  [[nodiscard]] std::optional<std::string> why_recalled(const std::string& intent) const;
  void look(const rules::Snapshot& snapshot);
  void compare_with_journal(const rules::Snapshot& snapshot);

  World world_;
  std::unique_ptr<monitor::Clock> clock_;
  monitor::Inbox inbox_;
  std::vector<monitor::Lane*> lanes_;
  std::vector<std::string> troubles_;
  std::unique_ptr<monitor::Journal> journal_;
  monitor::Journal::Recovered recovered_;
  monitor::Platforms platforms_;
  monitor::ActorOptions options_;
  std::vector<std::unique_ptr<Ear>> ears_;
  Questions questions_;
  std::unique_ptr<monitor::EngineLoop> loop_;
  struct Taken {
    rules::Order order;
    bool is_resumed;
  };
  std::deque<Taken> taken_;
  std::vector<std::unique_ptr<monitor::Attempt>> attempts_;
  std::map<std::string, std::string> recalled_;  // By intent, and why.
  std::optional<rules::Snapshot> published_;
  int publications_ = 0;
};

}  // namespace belay::simulation
