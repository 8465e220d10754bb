#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/metric_reader.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/verdict.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// Whether something is bad, and if that is unknown, why.
struct Judgement {
  Truth truth = Truth::unknown;
  std::optional<UnknownKind> unknown;
};

/// Kleene's logic over "is it bad"; of several reasons for unknown the one that comes first.
Judgement any_of(const std::vector<Judgement>& judgements);
Judgement all_of(const std::vector<Judgement>& judgements);

/// The condition of a sentence, bound to the windows of one service.
class BoundCondition {
 public:
  BoundCondition(const Sentence& sentence, const Binding& binding, ServiceEvidence& evidence,
                 Instant now);
  ~BoundCondition();
  BoundCondition(BoundCondition&&) noexcept;
  BoundCondition& operator=(BoundCondition&&) noexcept;

  /// Judges as of `now`, and leaves in `told` one Evidence for each comparison.
  Judgement judge(ServiceEvidence& evidence, Instant now, std::vector<Evidence>& told);

  /// Its longest window: how far back a judgement looks.
  [[nodiscard]] Duration longest_window() const;
  /// Evidence without numbers, in the order of the sentence's comparisons.
  [[nodiscard]] std::vector<Evidence> blank_evidence() const;
  /// For WindowStore's release: the windows it reads are still wanted.
  void keep(WindowStore& windows) const;

 private:
  struct Node;
  std::vector<Evidence> blank_;
  std::unique_ptr<Node> root_;
};

/// Whether the condition compares with the baseline itself.
bool mentions_baseline(const Condition& condition);
/// Whether some of its evidence may name no version: probes, queues, Prometheus, the sources.
bool may_lack_versions(const Condition& condition);

}  // namespace belay::rules
