#include "rules/judgement/service_evidence.h"

#include <algorithm>

namespace belay::rules {

std::optional<UnknownKind> ServiceEvidence::trouble_of(SourceKind kind, Instant now) const {
  std::optional<UnknownKind> worst;
  for (const std::uint32_t index : of_kind(kind))
    if (const std::optional<UnknownKind> trouble = source(index).trouble(now))
      worst = worst ? std::min(*worst, *trouble) : *trouble;
  return worst;
}

}  // namespace belay::rules
