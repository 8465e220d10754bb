#pragma once

#include <optional>
#include <string>

#include "rules/judgement/paired_evidence.h"

namespace belay::rules {

/// What was so before the rollout.
struct Excused {
  double errors = 0;         ///< The share of requests (0..1) that failed.
  bool invocations = false;  ///< Some of the baseline, or of no version, failed.
  bool durations = false;    ///< Latency is not judged.
  /// What the baseline's clients did: asked where it has hardly any left.
  PairedEvidence::Sums clients{};
};

/// Why nothing passes by itself, for people: of all calls of the last two minutes, whatever their
/// routes, the candidate has plainly more than the baseline of requests that failed, of other
/// invocations that failed (or, beside hardly one of the baseline's, half of them), of requests
/// whose client left, that were redirected or refused (3xx, 4xx), or that tell no duration. The
/// comparison sees only what both versions serve, and of that only errors and durations. Ten or
/// more, twice the baseline's share, and no chance.
std::optional<std::string> doubt_of_whole(const PairedEvidence& evidence,
                                          const std::string& candidate, const std::string& baseline,
                                          const Excused& excused);

}  // namespace belay::rules
