#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/order.h"
#include "rules/plan.h"
#include "tests/simulation/story.h"
#include "tests/simulation/truths.h"

namespace belay::simulation {

/// Watches each rollout's way by what the journal was given: from state to state and from step to
/// step; and what is sent for it.
class RolloutWitness {
 public:
  RolloutWitness(Story& story, const rules::Plan& plan) : story_(story), plan_(plan) {}

  void know(Truths truths) { truths_ = std::move(truths); }

  /// Bakes begin anew, and questions are asked anew. `now`: engine time.
  void life_begins(const rules::Remembered& remembered, Instant now);
  /// Somebody wants this rollout, for the first time; it may be lost and asked for again.
  void asked(const std::string& id) { asked_.emplace(id, truths_.now()); }
  /// A person says this; each in words of his own.
  void says(const rules::OperatorCommand& command) { said_.insert(command.by); }
  /// The world's answer is on its way to the engine.
  void answers(const rules::PreflightDone& done) { answers_[done.rollout].push_back(done); }
  /// One batch, as it became durable. `now`: engine time.
  void recorded(const std::vector<rules::JournalEntry>& entries, Instant now);
  void is_sent(const rules::Order& order, Instant now);

  /// What the journal says the rollout is; null if it does not know it.
  [[nodiscard]] const rules::RolloutStarted* find(const std::string& id) const;
  [[nodiscard]] bool is_promoted(const std::string& id) const;

 private:
  struct Known {
    rules::RememberedRollout is;
    bool has_begun = false;
    bool is_spared = false;  // A person passed a step, in this life.
    Instant since{};         // In this life.
    Instant began{};         // Its step, in this life.
  };
  /// It has gone on to the step after `step`, or to its end: was that so?
  struct Passage {
    std::string id;
    std::size_t step = 0;
    bool is_first = false;    // To its first step: by its questions.
    bool is_move = false;     // Traffic is moved for it.
    bool is_by_hand = false;  // A person has said: on.
    Instant at{};
  };

  void follow(const rules::JournalEntry& entry);
  void follow_command(const rules::JournalEntry& entry);
  void follow_intent(const rules::JournalEntry& entry);
  void check(const Passage& passage, Instant now);
  void check_recovered(const Known& known, Instant now);
  void check_questions(const Known& known, Instant at);
  void check_bake(const Known& known, const Passage& passage);
  [[nodiscard]] const rules::ServicePlan& plan_of(const std::string& service) const;

  Story& story_;
  const rules::Plan& plan_;
  Truths truths_;
  std::map<std::string, Known> known_;
  std::map<std::string, Instant> asked_;       // By rollout, in the world's time.
  std::map<std::string, std::string> newest_;  // Rollout, by service.
  std::map<std::string, std::vector<rules::PreflightDone>> answers_;  // By rollout, in order.
  std::map<std::string, Instant> disarmed_until_;
  std::set<std::string> said_;
  std::vector<Passage> passages_;        // Of this batch,
  std::vector<std::string> superseded_;  // as well,
  std::vector<std::string> helped_;      // and those that recovered.
};

}  // namespace belay::simulation
