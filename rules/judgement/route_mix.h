#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/judgement/evidence_blocks.h"

namespace belay::rules {

/// Failed requests of both versions by route and second, of the last minutes. The two have not the
/// same routes: of a small share of the traffic health checks are the greater part.
class RouteMix {
 public:
  /// `route`: a small number, 0, 1, ...; `second`: since the Unix epoch.
  void count(std::int64_t second, std::uint32_t route, Role role, std::uint32_t requests,
             std::uint32_t failed);

  struct Span {
    std::int64_t candidate = 0;  ///< So many seconds of it,
    std::int64_t baseline = 0;   ///< and of the baseline,
    std::int64_t end = 0;        ///< before this one.
  };
  /// Which share of the candidate's requests would have failed (0..1), had each of its routes
  /// failed as the baseline's did; of what the baseline has hardly any of, as all of it did. 0 if
  /// either has none.
  [[nodiscard]] double baseline_as_candidate(const Span& span) const;

 private:
  struct Second {
    std::int64_t at = -1;
    std::array<std::uint32_t, kRoles> requests{};
    std::array<std::uint32_t, kRoles> failed{};
  };
  /// As PairedEvidence's own: a power of two, with room for the lateness of Logpush.
  static constexpr std::size_t kSeconds = 512;

  /// Of one route.
  [[nodiscard]] static PairCounts::Of sum(const std::vector<Second>& seconds, Role role,
                                          std::int64_t begin, std::int64_t end);

  std::vector<std::vector<Second>> routes_;
};

}  // namespace belay::rules
