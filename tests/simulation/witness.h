#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/clock.h"
#include "rules/order.h"
#include "rules/snapshot.h"
#include "tests/simulation/boot_clock.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/rollout_witness.h"
#include "tests/simulation/story.h"

namespace belay::simulation {

/// Sees everything, and says which promise was broken: the numbered ones are the invariants of the
/// project's reliability study, listed in tests/README.md.
class Witness final : public PlatformWitness {
 public:
  /// One rollout, as those who began it know it. A run of the pipeline again is the same one.
  struct Generation {
    std::string id;
    std::string service;
    std::string candidate;
    std::string baseline;
    Instant started{};
    bool is_promoted = false;
  };
  struct Counts {
    int generations = 0, promotions = 0, sent = 0, rollbacks = 0;
    int kills = 0, lives = 0, disk_faults = 0, human_deploys = 0, comparisons = 0;
    int moves = 0, holds = 0, commands = 0, answers = 0;
    Counts& operator+=(const Counts& other);
  };

  Witness(const Disk& disk, const WorldTime& time, const rules::Plan& plan)
      : disk_(disk), time_(time), story_(time), rollouts_(story_, plan) {}

  /// What is true of the world, for the promises about rollouts.
  void know(Truths truths) { rollouts_.know(std::move(truths)); }
  /// A life begins, on this clock; it must be told of the end of the clock.
  void life_begins(const monitor::Clock& clock);
  /// What the journal knows at its start; a kill may have come between durable and acknowledged.
  void remembers(const rules::Remembered& remembered);
  void life_ends() { clock_ = nullptr; }

  // What people do.
  void began(const Generation& generation);
  void promoted(const std::string& id);
  void says(const rules::OperatorCommand& command);
  void answers(const rules::PreflightDone& done);
  [[nodiscard]] const Generation* generation_of(const rules::Order& order) const;

  // What the platform is asked.
  void was_read(const rules::Order& order,
                const std::vector<monitor::CloudflareDeployment>& shown) override;
  void is_sent(const rules::Order& order) override;
  void is_applied(const rules::Order& order) override;

  // What the journal was given, and said to be durable.
  void recorded(const std::vector<rules::JournalEntry>& entries);

  /// One of the two who are told heard this.
  void heard(std::size_t sink, const rules::Notice& notice);
  /// `last_told`: when the service's log last said anything. `is_recorded`: the journal has it,
  /// too; what a daemon without one decides is forgotten with it.
  void saw(const rules::ServiceStatus& status, Instant last_told, bool is_recorded);
  /// What the engine has in mind, and what one that starts now from the journal would have.
  void compare(const rules::ServiceStatus& memory, const rules::ServiceStatus& journal);
  /// A step of the engine is over. `is_cut`: by a kill.
  void step_ended(bool is_cut);

  // At the end of a world.
  void examine(const Worker& worker, std::uint32_t rollbacks_per_hour_max);
  void examine(const std::vector<rules::JournalEntry>& journal);

  void demand(bool holds, const char* promise, const std::string& what) {
    story_.demand(holds, promise, what);
  }
  void note(const std::string& what) { story_.note(what); }
  [[nodiscard]] const Story& story() const { return story_; }
  /// Fired, cleared, ended: what was decided on each service, in its order, without its times.
  using Decisions = std::map<std::string, std::vector<std::string>>;
  [[nodiscard]] const Decisions& decisions() const { return decisions_; }

  Counts counts;

 private:
  struct Read {
    Instant at{};
    bool shows_expected = false;
    bool shows_ours = false;
    bool shows_another = false;  ///< As shows_another() of what it leaves.
  };
  void check_clock();
  void promotes(const std::string& service);
  void examine_split(const Worker& worker, std::size_t index);
  /// Whether another version had most of the traffic since a rollback has put this one there.
  /// `shown`: newest first.
  [[nodiscard]] bool shows_another(const std::string& restored,
                                   const std::vector<monitor::CloudflareDeployment>& shown) const;

  const Disk& disk_;
  const WorldTime& time_;
  Story story_;
  RolloutWitness rollouts_;
  const monitor::Clock* clock_ = nullptr;  // Of this life.
  Instant life_began_{};                   // By it, and
  Duration life_began_boot_{};             // by the machine.
  std::vector<Generation> generations_;
  std::map<std::string, Read> reads_;
  std::map<std::string, rules::Order> sent_;
  std::map<std::string, Instant> disarmed_until_;
  std::set<std::pair<std::string, std::string>> restored_;  // Service and version.
  std::set<std::string> unheard_[2];
  // Before they were recorded, as a full disk had no room.
  std::set<std::string> heard_[2];
  std::map<std::string, Instant> silenced_until_;  // By service and rule.
  std::map<std::string, rules::RolloutState> states_;
  Decisions decisions_;
};

std::string describe(const Witness::Counts& counts);

}  // namespace belay::simulation
