#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "monitor/inbox.h"
#include "rules/event.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/faults.h"

namespace belay::simulation {

/// What the users of one service get, by version, and the log that tells of it.
class Traffic {
 public:
  Traffic(rules::SourceId source, const Worker& worker, Seeded chance)
      : source_(source), worker_(worker), chance_(chance) {}

  /// From then on, so large a share of this version's answers are errors.
  void spoil(const std::string& version, Instant from, double share) {
    bad_[version] = {from, share};
  }
  [[nodiscard]] bool is_bad(const std::string& version, Instant at) const;

  /// A new process reads the log: it knows none of its texts.
  void forget_texts() {
    texts_.clear();
    delayed_.clear();
  }

  /// What happened within (now - span, now], and was logged: into the lane.
  void tell(Instant now, Duration span, const Faults& faults, monitor::Lane& lane);
  /// The same with nobody to hear it.
  void pass(Instant now, const Faults& faults);
  /// As many calls as no lane can hold, at once.
  void burst(Instant now, std::size_t events, monitor::Lane& lane);
  void fall_silent(Instant until) { silent_until_ = until; }
  void heal() { silent_until_ = {}; }

  /// Since when nothing was told and nothing said; `now` if it speaks.
  [[nodiscard]] Instant last_told() const { return last_told_; }
  struct Counts {
    std::uint64_t offered = 0;  ///< Calls that were told of, repeated ones included.
    std::uint64_t dropped = 0;  ///< Calls that the lane did not take.
  };
  /// Of this process.
  Counts counts;

 private:
  struct Spoilt {
    Instant from{};
    double share = 0;
  };
  struct Delayed {
    Instant due{};
    rules::RequestSecond what;
  };
  rules::TextId text(const std::string& text, monitor::Lane& lane);
  void offer(const rules::RequestSecond& second, monitor::Lane& lane);
  void log(const std::string& version, std::uint16_t status, std::uint32_t count, Instant at,
           const Faults& faults, monitor::Lane& lane);

  rules::SourceId source_;
  const Worker& worker_;
  Seeded chance_;
  std::map<std::string, Spoilt> bad_;
  std::map<std::string, rules::TextId> texts_;
  std::vector<Delayed> delayed_;
  Instant silent_until_{};
  Instant last_told_{};
  std::uint64_t fingerprints_ = 0;
  double owed_ = 0;  ///< Fractions of requests that have not been made yet.
};

}  // namespace belay::simulation
