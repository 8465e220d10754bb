#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "tests/simulation/plants.h"

// Bugs in how rollouts go from step to step.

namespace belay::simulation {

using monitor::Journal;
using rules::Event;

namespace {

/// Remembers wrongly, when asked for the first time in a life.
class Misremembering final : public Journal {
 public:
  using Change = void (*)(Recovered&, Instant now);
  Misremembering(std::unique_ptr<Journal> real, Change change)
      : real_(std::move(real)), change_(change) {}
  Status append(const std::vector<rules::JournalEntry>& entries) override {
    return real_->append(entries);
  }
  Result<Recovered> recover(Instant now) override {
    Result<Recovered> recovered = real_->recover(now);
    if (recovered.ok()) std::exchange(change_, [](Recovered&, Instant) {})(*recovered, now);
    return recovered;
  }
  Status read(std::size_t entries_max,
              const std::function<void(const rules::JournalEntry&)>& each) override {
    return real_->read(entries_max, each);
  }
  std::optional<std::string> trouble() override { return real_->trouble(); }

 private:
  std::unique_ptr<Journal> real_;
  Change change_;
};

Plant misremembering(Misremembering::Change change) {
  Plant plant;
  plant.journal = [change](auto real) -> std::unique_ptr<Journal> {
    return std::make_unique<Misremembering>(std::move(real), change);
  };
  return plant;
}

}  // namespace

Plant bake_that_goes_on() {
  return misremembering([](Journal::Recovered& recovered, Instant now) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts) {
      if (rules::is_final(one.state) || unix_ms(one.step_started) == 0) continue;
      rules::RolloutStep& step = one.started.steps[one.step];
      const Duration gone = std::max(now - one.step_started, Duration::zero());
      step.bake = step.bake > gone ? step.bake - gone : Duration::zero();
    }
  });
}

Plant forgotten_pauses() {
  return misremembering([](Journal::Recovered& recovered, Instant /*now*/) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts) {
      one.is_paused = false;
      one.held.reset();
      if (one.state == rules::RolloutState::held) one.state = rules::RolloutState::baking;
    }
  });
}

Plant skipped_steps() {
  return misremembering([](Journal::Recovered& recovered, Instant /*now*/) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts)
      if (one.state == rules::RolloutState::baking && one.step + 1 < one.started.steps.size())
        ++one.step;
  });
}

Plant going_back_to_baking() {
  return misremembering([](Journal::Recovered& recovered, Instant /*now*/) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts)
      if (rules::is_final(one.state)) one.state = rules::RolloutState::baking;
  });
}

Plant passing_what_failed() {
  return misremembering([](Journal::Recovered& recovered, Instant /*now*/) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts) {
      if (one.verdict != rules::Outcome::fail) continue;
      one.state = rules::RolloutState::promoted;
      one.verdict = rules::Outcome::pass;
    }
  });
}

Plant seeing_ghosts() {
  constexpr int kSeesUntil = 10;
  Plant plant;
  auto seen = std::make_shared<int>();
  plant.events = [seen](std::vector<Event>& events, Instant /*now*/) {
    for (Event& event : events)
      if (auto* live = std::get_if<Boxed<rules::Deployment>>(&event);
          live != nullptr && ++*seen > kSeesUntil)
        (*live)->versions = {{"a ghost", 100}};
  };
  return plant;
}

Plant forgotten_holds() {
  return misremembering([](Journal::Recovered& recovered, Instant /*now*/) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts)
      if (one.state == rules::RolloutState::held) one.held = rules::HoldReason::preflight;
  });
}

Plant forgotten_reasons() {
  return misremembering([](Journal::Recovered& recovered, Instant /*now*/) {
    for (rules::RememberedRollout& one : recovered.remembered.rollouts) one.rule.clear();
  });
}

Plant deaf_actor() {
  Plant plant;
  plant.is_deaf_to_recalls = true;
  return plant;
}

Plant no_freezes() {
  Plant plant;
  plant.plan = [](rules::Plan& plan) {
    for (rules::ServicePlan& service : plan.services) {
      service.rollout.freezes.clear();
      service.rollout.windows.clear();
    }
  };
  return plant;
}

Plant no_questions() {
  Plant plant;
  plant.plan = [](rules::Plan& plan) {
    for (rules::ServicePlan& service : plan.services) {
      service.rollout.asks_preflight = false;
      service.rollout.requirements.clear();
    }
  };
  return plant;
}

Plant promoting_at_the_maximum() {
  struct Watched {
    std::string id;
    Instant until{};
  };
  Plant plant;
  auto watched = std::make_shared<std::map<std::string, Watched>>();
  plant.events = [watched](std::vector<Event>& events, Instant now) {
    for (const Event& event : events)
      if (const auto* boxed = std::get_if<Boxed<rules::RolloutStarted>>(&event);
          boxed != nullptr && !(*boxed)->steps.empty())
        (*watched)[(*boxed)->service] = {(*boxed)->id, now + (*boxed)->steps.front().bake_max};
    for (auto& [service, one] : *watched) {
      if (one.until == Instant{} || now < one.until) continue;
      one.until = {};
      events.emplace_back(rules::OperatorCommand{.kind = rules::OperatorCommand::Kind::promote,
                                                 .at = now,
                                                 .rollout = one.id,
                                                 .by = "the hard maximum",
                                                 .reason = ""});
    }
  };
  return plant;
}

}  // namespace belay::simulation
