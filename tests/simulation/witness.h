#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/order.h"
#include "rules/snapshot.h"
#include "tests/simulation/boot_clock.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/disk.h"

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
    Counts& operator+=(const Counts& other);
  };

  Witness(const Disk& disk, const WorldTime& time) : disk_(disk), time_(time) {}

  // What people do.
  void began(const Generation& generation);
  void promoted(const std::string& id);
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

  void demand(bool holds, const char* promise, const std::string& what);
  [[nodiscard]] const std::vector<std::string>& broken() const { return broken_; }
  /// Fired, cleared, ended: what was decided on each service, in its order, without its times.
  using Decisions = std::map<std::string, std::vector<std::string>>;
  [[nodiscard]] const Decisions& decisions() const { return decisions_; }

  Counts counts;
  std::vector<std::string> story;  ///< For people who look into one seed.
  void note(const std::string& what);

 private:
  struct Read {
    Instant at{};
    bool shows_expected = false;
    bool shows_ours = false;
  };
  const Disk& disk_;
  const WorldTime& time_;
  std::vector<Generation> generations_;
  std::map<std::string, Read> reads_;
  std::map<std::string, rules::Order> sent_;
  std::map<std::string, Instant> disarmed_until_;
  std::set<std::pair<std::string, std::string>> restored_;  // Service and version.
  std::set<std::string> unheard_[2];
  std::map<std::string, rules::RolloutState> states_;
  std::vector<std::string> broken_;
  Decisions decisions_;
};

std::string describe(const Witness::Counts& counts);

}  // namespace belay::simulation
