#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/names.h"

namespace belay::rules {

/// Requests of one version in its service's own log that name another service, which nobody knows.
/// A neighbour in a shared file does so, and so does one code path of the service itself, its error
/// handler say: they count for nobody.
class MisnamedRequests {
 public:
  /// What ended before `since` is not asked for.
  MisnamedRequests(NameId version, Instant since) : version_(version), since_(since) {}

  void add(NameId version, Instant at, std::uint64_t requests, bool are_failing);
  /// Forgets what came.
  void begin(Instant since);

  /// Why nobody knows how the version is: half of these requests failed, three or more, as no
  /// neighbour's do that is well; and if they were the service's, more of the version's requests
  /// would have failed than may. `counted`: its requests that name the service; `allowed`: the
  /// share of them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(const std::string& name, std::uint64_t counted,
                                                 double allowed) const;

 private:
  NameId version_;
  Instant since_;
  std::uint64_t requests_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace belay::rules
