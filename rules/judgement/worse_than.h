#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/metric_reader.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/verdict.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// "candidate worse than baseline", bound to the rollout that runs. Bad at the limit of its
/// confidence; fine when nothing speaks against the candidate, at least `samples_min` requests (50
/// if not given) of it came in this step, the baseline has had requests within the last minute and
/// the sources are well. Everything else is unknown, with its kind and a note; never fine.
class BoundWorseThan {
 public:
  BoundWorseThan(const WorseThan& sentence, double confidence, const Binding& binding,
                 ServiceEvidence& evidence);

  Judgement judge(const ServiceEvidence& evidence, Instant now,
                  std::optional<std::uint32_t> samples_min, Evidence& told) const;

 private:
  struct Doubt {
    UnknownKind kind{};
    std::string note;
  };
  [[nodiscard]] std::optional<Doubt> doubt(const ServiceEvidence& evidence, Instant now,
                                           std::uint64_t samples_min) const;

  ComparisonSpec spec_;
  bool is_in_rollout_;
  /// None without a baseline. The evidence of a rollout outlives the rules on it.
  const CandidateComparison* comparison_ = nullptr;
};

}  // namespace belay::rules
