#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/order.h"

namespace belay::rules {

/// Of a version, in percent; 0 where the deployment does not name it.
double share_of(const Deployment& deployment, const std::string& version);
/// Whether it has that share, as platforms round.
bool has_share(const Deployment& deployment, const std::string& version, double percent);
/// "v2 at 10%"; sanitized.
std::string words_of(const Deployment::Share& share);

/// Who has the traffic of one service, as the platform was read to say, and what a reading means
/// for the rollout that runs. A reading may be older than the one before it, so what nobody ordered
/// must stand in all of them for a while before it is somebody else's doing.
class LiveTraffic {
 public:
  /// How the rollout that runs has left it.
  struct Wanted {
    std::string candidate;
    std::string baseline;
    /// What Belay gave the candidate, where a reading must show that by now; nothing where others
    /// move the traffic, or where it is on its way.
    std::optional<double> percent;
  };
  struct Finding {
    std::optional<std::string> taken_over;  ///< Why it is somebody else's by now.
    /// It is that of before: what this reading shows may be of a while ago, and is not followed.
    bool is_doubted = false;
  };

  /// The last reading that was not doubted; nothing before the first.
  [[nodiscard]] const std::optional<Deployment>& reading() const { return reading_; }
  /// By that reading; nothing without one.
  [[nodiscard]] std::optional<double> percent_of(const std::string& version) const;

  /// Whoever has traffic by now is no stranger to it. `is_candidate_live`: it surely is, and can
  /// go.
  void begin_rollout(bool is_candidate_live);
  /// One goes on after a restart, with what had been seen of it by then; empty: nothing was.
  void go_on_with_rollout(const TrafficSeen& seen);
  /// Versions that had traffic when the rollout began; empty before the first reading.
  [[nodiscard]] const std::vector<std::string>& at_start() const { return at_start_; }
  /// Whether the candidate has had traffic since it was given some; then it can go.
  [[nodiscard]] bool was_candidate_live() const { return was_candidate_live_; }
  /// Belay gave the candidate its share: until a reading shows that, it has not gone.
  void moved();
  /// Between two rollouts.
  void read(const Deployment& reading) { reading_ = reading; }
  /// While one runs.
  Finding read(const Deployment& reading, const Wanted& wanted,
               const std::function<bool(const std::string&)>& was_rolled_away, Instant now);
  /// Whether the candidate has what Belay gave it, as far as a reading says.
  [[nodiscard]] bool is_as_given() const { return !foreign_since_; }

 private:
  [[nodiscard]] std::string stranger_in(const Deployment& reading, const Wanted& wanted) const;

  std::optional<Deployment> reading_;
  std::vector<std::string> at_start_;
  bool was_candidate_live_ = false;
  // By all readings since:
  std::optional<Instant> gone_since_;      // the candidate has nothing any more,
  std::optional<Instant> foreign_since_;   // the split is not the one that was ordered,
  std::optional<Instant> stranger_since_;  // a version has traffic that nobody announced.
};

}  // namespace belay::rules
