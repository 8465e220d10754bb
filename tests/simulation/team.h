#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rules/snapshot.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/seeded.h"
#include "tests/simulation/traffic.h"
#include "tests/simulation/witness.h"

namespace belay::simulation {

/// The people and the pipeline that release one service: they roll versions out, one after another,
/// good ones and bad ones; promote what passed, and put back what did not.
class Team {
 public:
  Team(Worker& worker, Traffic& traffic, const WorldTime& time, Witness& witness, Seeded chance)
      : worker_(worker), traffic_(traffic), time_(time), witness_(witness), chance_(chance) {
    always_asks_again_ = chance_.chance(0.5);
  }

  /// What is to be told to the daemon now. `status`: what it publishes; null while there is none.
  std::optional<rules::RolloutStarted> act(const rules::ServiceStatus* status);
  /// What the daemon publishes; null while there is none.
  void see(const rules::ServiceStatus* status);
  /// A daemon has begun: the pipeline asks again for what it waits for, if it always does, or if it
  /// never saw that it was heard. It is the same rollout.
  [[nodiscard]] std::optional<rules::RolloutStarted> ask_again() const;
  /// Whether its rollout is judged still.
  [[nodiscard]] bool is_waiting(const rules::ServiceStatus* status) const;
  /// Nothing new is begun from now on.
  void rest() { is_resting_ = true; }

  /// A bad rollout now, whatever went before.
  rules::RolloutStarted begin_bad(const std::string& candidate, const std::string& baseline);

 private:
  struct Release {
    Witness::Generation generation;
    std::optional<Instant> promotes_at;
    std::optional<Instant> puts_back_at;
    Instant gives_up_at{};
    bool was_heard = false;
  };
  rules::RolloutStarted begin();
  rules::RolloutStarted started(const Witness::Generation& generation) const;
  void follow(const rules::ServiceStatus* status);
  void finish();
  void spoil(const std::string& candidate, const std::string& baseline);

  Worker& worker_;
  Traffic& traffic_;
  const WorldTime& time_;
  Witness& witness_;
  Seeded chance_;
  std::optional<Release> release_;
  Instant next_ = WorldTime::kStart;
  int versions_ = 1;
  bool always_asks_again_ = false;
  bool is_resting_ = false;
};

}  // namespace belay::simulation
