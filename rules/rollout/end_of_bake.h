#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/paired_evidence.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/window_store.h"
#include "rules/rollout/gate.h"

namespace belay::rules {

/// Whether the end of a step's bake shows enough for the step to pass. A log that nobody writes any
/// more, and a candidate that died, lost its name, or was taken out by a load balancer, look like
/// good news. So its last fifth, two minutes at most, must show
///
/// - requests, and of the candidate, where the step so far makes ten be expected there;
/// - at least a tenth of the candidate's requests that were to be expected, where chance does not
///   leave so few (none of 14, two of 25): by what it got in the step before, and beside the
///   baseline's by the share that it was to get, or the largest that it has had in this step,
///   whichever is smaller. Where the platform splits otherwise than was ordered, that is no doubt;
/// - at least half of the bake, when the logs come late: the fifth ends where they do. Of a log in
///   batches it ends at the candidate's newest request, until the next batch is longer overdue than
///   one was before in this step. A batch shows what was while the log was silent: a silence after
///   which nothing of that comes is no wait for a batch.
///
/// Nor may the candidate have been silent, for however long, while the baseline went on and ten of
/// its requests were to be expected; nor for twice as long as it often is, and for five seconds or
/// more, where 40 were.
class EndOfBake {
 public:
  /// `evidence` must have its pair, and outlive this together with it.
  EndOfBake(ServiceEvidence& evidence, Instant now);

  struct Bake {
    Duration baked{};             ///< Of the bake that the step asks for.
    Duration since_step{};        ///< Since the step began; longer when it could not pass then.
    std::optional<double> share;  ///< Of the requests, 0..1, that the candidate was to get.
  };
  /// A step begins: what came before shows nothing of it.
  void begin_step(Instant now);
  /// Before the pair counts anew because the split has changed within a step.
  void split_changes() { earlier_ = in_step(); }
  /// The candidate had another share before, in this step.
  void had_another_share() { is_one_share_ = false; }
  /// At every whole second.
  void look(Instant now);
  /// Why it shows too little; nothing if it shows enough.
  [[nodiscard]] std::optional<Gate::Verdict> doubt(const Bake& bake, Instant now) const;
  /// Of a step that passes, once: that the candidate had less than half of the requests in it which
  /// its share makes expected, where 40 were. That is no doubt, as some split by users. Empty where
  /// it had more, nobody knows its share, or that was another one before in the step.
  [[nodiscard]] std::string take_half_missing(std::optional<double> share);
  /// Whether its silence may yet be a pause of the log: a verdict on that is better for a second
  /// look. Never for longer than fifteen seconds.
  [[nodiscard]] bool may_pause(Instant now) const;
  void keep(WindowStore& windows) const;

 private:
  struct Counts {
    std::uint64_t candidate = 0;
    std::uint64_t baseline = 0;
  };
  /// The fifth.
  struct Stretch {
    std::int64_t length_seconds = 0;
    std::chrono::seconds behind{};
    Counts counts;
  };
  [[nodiscard]] Counts in_step() const;
  [[nodiscard]] Counts in_stretch(std::int64_t length_seconds, std::chrono::seconds behind,
                                  Instant now) const;
  /// Whether its next batch is not overdue.
  [[nodiscard]] bool is_between_batches(Instant now) const;
  /// Of the candidate since its newest, by what came of the baseline since, if the two went on as
  /// so far in this step.
  [[nodiscard]] double missed_beside() const;
  /// Of the candidate in a pause that began when its last request arrived, if it had gone on as
  /// before in this step.
  [[nodiscard]] double missed_in(Duration pause) const;
  /// Whether what came now after such a pause was there during it.
  [[nodiscard]] bool is_batch(Duration pause, Instant now) const;
  [[nodiscard]] std::chrono::seconds behind(Instant now) const;
  /// The candidate's share that was to be expected.
  [[nodiscard]] double share(const Bake& bake, const Counts& fifth) const;
  /// Of the candidate in so long, if it went on as `before` requests in `over`.
  [[nodiscard]] double by_its_own(const Bake& bake, std::uint64_t before, Duration over,
                                  Duration length) const;
  [[nodiscard]] std::optional<Gate::Verdict> doubt_of_silence(const Bake& bake,
                                                              const Stretch& fifth,
                                                              Instant now) const;
  [[nodiscard]] std::string words_of_silence(Instant now) const;
  [[nodiscard]] std::optional<Gate::Verdict> doubt_of_few(const Bake& bake,
                                                          const Stretch& fifth) const;

  const ServiceEvidence* evidence_;
  const PairedEvidence* paired_;
  Window* of_candidate_;      // Of the service's evidence.
  Window* of_baseline_;       // Null without a baseline.
  Counts earlier_;            // In this step, before its split was changed.
  bool is_one_share_ = true;  // In all of this step.
  bool is_half_missing_told_ = false;
  Counts stretch_;  // Where the time began whose share is measured next.
  Instant stretch_since_;
  std::optional<double> share_max_;
  /// The two longest, the longest first.
  using Pauses = std::array<Duration, 2>;
  static void keep(Pauses& pauses, Duration pause);

  Instant step_began_;
  std::uint64_t seen_ = 0;  // Of the candidate, at the last look.
  Instant arrived_;         // When that grew last.
  Pauses pauses_{};         // In which ten were to be expected.
  Pauses batches_{};        // Before a batch.
};

}  // namespace belay::rules
