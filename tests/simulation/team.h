#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/snapshot.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/seeded.h"
#include "tests/simulation/traffic.h"
#include "tests/simulation/witness.h"

namespace belay::simulation {

/// The people and the pipeline that release one service: they roll versions out, one after another,
/// good ones and bad ones, in one step or in several, moving the traffic themselves or letting
/// Belay; promote what passed, and put back what did not.
class Team {
 public:
  Team(Worker& worker, Traffic& traffic, const WorldTime& time, Witness& witness, Seeded chance)
      : worker_(worker), traffic_(traffic), time_(time), witness_(witness), chance_(chance) {
    always_asks_again_ = chance_.chance(0.5);
    likes_driving_ = chance_.unit();
  }

  /// What is to be told to the daemon now. `status`: what it publishes; null while there is none.
  /// `overtakes`: somebody begins anew although a rollout still runs.
  std::optional<rules::Event> act(const rules::ServiceStatus* status, bool overtakes);
  /// What the daemon publishes; null while there is none.
  void see(const rules::ServiceStatus* status);
  /// A daemon has begun: the pipeline asks again for what it waits for, if it always does, or if it
  /// never saw that it was heard. It is the same rollout.
  [[nodiscard]] std::optional<rules::RolloutStarted> ask_again() const;
  /// Whether its rollout is judged still, or something is done about it.
  [[nodiscard]] bool is_waiting(const rules::ServiceStatus* status) const;
  /// Nothing new is begun from now on, and what lies outside the versions is well again. Traffic
  /// that is still to be moved is.
  void rest();
  /// The steps of the rollout that is waited for; none if there is none.
  [[nodiscard]] std::vector<rules::RolloutStep> steps() const;
  /// Of the version that it promoted last.
  [[nodiscard]] const std::string& commit() const { return commit_; }
  /// What has passed there is released here.
  void stage_at(const Team& staging) { staging_ = &staging; }

  /// A bad rollout now, whatever went before.
  rules::RolloutStarted begin_bad(const std::string& candidate, const std::string& baseline);

 private:
  struct Move {
    Instant at{};
    double percent = 0;
  };
  struct Release {
    Witness::Generation generation;
    rules::RolloutStarted asked;
    std::vector<Move> moves;  ///< What somebody does to the traffic, in its order.
    std::optional<Instant> promotes_at;
    std::optional<Instant> puts_back_at;
    Instant gives_up_at{};
    bool was_heard = false;
  };
  rules::RolloutStarted begin();
  void draw_release(Release& release);
  void draw_moves(Release& release);
  void follow(const rules::ServiceStatus* status);
  void move_traffic();
  std::optional<rules::Event> give_up();
  void finish();
  void spoil(const std::string& candidate, const std::string& baseline);

  Worker& worker_;
  Traffic& traffic_;
  const WorldTime& time_;
  Witness& witness_;
  Seeded chance_;
  const Team* staging_ = nullptr;
  std::optional<Release> release_;
  Instant next_ = WorldTime::kStart;
  std::string commit_;
  int versions_ = 1;
  int words_ = 0;
  double likes_driving_ = 0;
  bool always_asks_again_ = false;
  bool is_resting_ = false;
};

}  // namespace belay::simulation
