#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "rules/judgement/source_record.h"

namespace belay::rules {

/// The requests of a rollout's candidate that came and do not count: too late, ahead of the clock,
/// or broken. A log may be fine as a whole while all that is bad about one version is among them.
class RefusedRequests {
 public:
  /// One that came twice counts once, and is none of these.
  void add(Refusal why, std::uint64_t calls);
  /// Of the step before, nothing is held against what comes.
  void begin_step() { in_step_ = {}; }

  /// Since the rollout began.
  [[nodiscard]] std::uint64_t total(Refusal why) const {
    return total_[static_cast<std::size_t>(why)];
  }
  /// Why nobody knows how the candidate is: of its requests in this step, `counted` and these, more
  /// than one in a hundred are missing, and more than two.
  struct Objection {
    UnknownKind kind{};  ///< lagging, or else error.
    std::string why;     ///< With their number, the version, and the reason of most of them.
  };
  [[nodiscard]] std::optional<Objection> objection(const std::string& version,
                                                   std::uint64_t counted) const;

 private:
  std::array<std::uint64_t, kRefusals> total_{};
  std::array<std::uint64_t, kRefusals> in_step_{};
};

}  // namespace belay::rules
