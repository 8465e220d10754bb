#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/evidence_blocks.h"
#include "rules/judgement/share_bet.h"

namespace belay::rules {

class CandidateComparison;
class NameTable;
class PairedEvidence;

/// How bad a route or a reason for failing is, for people.
struct TopFailure {
  std::string name;  ///< A route, "exceededCpu", "503", "TypeError: x is not a function".
  std::uint64_t bad = 0;
  std::uint64_t total = 0;  ///< Of a route; 0 of a reason.
};

/// Whose the bad requests of a rollout were, and how sure that is: the numbers behind what is told
/// of it. Those of one metric, or of one rule; what a rule does not look at is 0. Shares and rates
/// are within [0, 1].
struct RolloutNumbers {
  Compared compared = Compared::errors;  ///< The metric that speaks most against the candidate.
  Duration window{};                     ///< Over which the counts were taken, up to now.
  PairCounts counts;                     ///< Bad requests of both versions among all, in it.
  double odds = 0;                       ///< Evidence, "8,100 to 1"; beyond 1e12 it stays there.
  double odds_limit = 0;                 ///< Where it acts.
  double margin = 0;                     ///< How much worse is allowed: 1.25; 0 of a rule.
  double traffic = 0;                    ///< The candidate's share of the requests.
  double share = 0;                      ///< The candidate's share of the bad requests.
  double allowed = 0;                    ///< What that share may be.
  double excess = 0;                     ///< Rate above what is allowed: 0.012 is 1.2 points.
  RateInterval interval;                 ///< Of the candidate's rate of bad requests, at 99 %.
  PairCounts since_start;                ///< Errors among all since the rollout (re)started.
  /// Of the candidate, most bad requests first; three at most each. Sanitized.
  std::vector<TopFailure> routes;
  std::vector<TopFailure> reasons;     ///< Outcomes and statuses.
  std::vector<TopFailure> exceptions;  ///< Name and first line, where the log has them.
};

/// What a comparison says, with all its numbers (not the top failures).
RolloutNumbers numbers_of(const CandidateComparison& comparison, Instant now);
/// Routes, reasons and exceptions of the candidate's bad requests in one metric's evidence window,
/// and the totals since the start.
void fill_top(RolloutNumbers& numbers, const EvidenceBlocks& blocks, const PairedEvidence& evidence,
              const NameTable& names);
/// All numbers of the default judgement's comparison.
RolloutNumbers numbers_of(const PairedEvidence& evidence, Instant now, const NameTable& names);

}  // namespace belay::rules
