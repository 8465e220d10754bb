#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rules/judgement/paired_evidence.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/window_store.h"
#include "rules/rollout/gate.h"

namespace belay::rules {

/// Whether the last fifth of a step's bake shows enough for the step to pass. A log that nobody
/// writes any more, and a candidate that died, lost its name, or was taken out by a load balancer,
/// look like good news. So it must show
///
/// - requests, after 40 of both versions, and of the candidate, after 40 of it;
/// - at least a tenth of the candidate's requests that were to be expected beside the baseline's,
///   if those are 40 or more: by the share that it was to get, or the largest that it has had in
///   this step, whichever is smaller. Where the platform splits otherwise than was ordered, that
///   is no doubt;
/// - at least half of the bake, when the logs come late: the fifth ends where they do.
class EndOfBake {
 public:
  /// `evidence` must have its pair, and outlive this together with it.
  EndOfBake(ServiceEvidence& evidence, Instant now);

  struct Bake {
    Duration baked{};             ///< Of the bake that the step asks for.
    Duration since_step{};        ///< Since the step began; longer when it could not pass then.
    std::optional<double> share;  ///< Of the requests, 0..1, that the candidate was to get.
  };
  /// At every whole second.
  void look(Instant now);
  /// Why it shows too little; nothing if it shows enough.
  [[nodiscard]] std::optional<Gate::Verdict> doubt(const Bake& bake, Instant now) const;
  void keep(WindowStore& windows) const;

 private:
  struct Counts {
    std::uint64_t candidate = 0;
    std::uint64_t baseline = 0;
  };
  [[nodiscard]] Counts in_step() const;
  [[nodiscard]] Counts in_fifth(std::int64_t length_seconds, std::chrono::seconds lag,
                                Instant now) const;
  /// Requests of the candidate that were to be expected beside the baseline's.
  [[nodiscard]] double expected(const Bake& bake, const Counts& fifth) const;

  const ServiceEvidence* evidence_;
  const PairedEvidence* paired_;
  Window* of_candidate_;  // Of the service's evidence.
  Window* of_baseline_;   // Null without a baseline.
  Counts seen_;           // In this step, at the last look.
  Counts stretch_;        // Where the time began whose share is measured next.
  Instant stretch_since_;
  std::optional<double> share_max_;
};

}  // namespace belay::rules
