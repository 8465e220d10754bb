#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "monitor/platform/platforms.h"
#include "rules/engine.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/seeded.h"

namespace belay::simulation {

/// Answers what is asked before a rollout's first step, in one life, as monitor::Preflight does:
/// what is not fine is asked again. Answers come late, and are lost with the life.
class Questions {
 public:
  Questions(const monitor::Platforms& platforms, const Faults& faults, Seeded chance)
      : platforms_(platforms), faults_(faults), chance_(chance) {}

  void ask(rules::PreflightAsked asked, Instant now);
  /// What is answered by now; one at a time.
  std::optional<rules::PreflightDone> answer(Instant now);

 private:
  struct Question {
    rules::PreflightAsked asked;
    Instant due{};
  };
  const monitor::Platforms& platforms_;
  const Faults& faults_;
  Seeded chance_;
  std::vector<Question> questions_;
};

}  // namespace belay::simulation
