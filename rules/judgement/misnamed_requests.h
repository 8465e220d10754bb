#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "rules/judgement/names.h"

namespace belay::rules {

/// Requests in a service's own log that name another service, which nobody knows. A neighbour in a
/// shared file does so, and so does one code path of the service itself, its error handler say:
/// they count for nobody.
class MisnamedRequests {
 public:
  /// Forgets them; what ended before `since` is not asked for.
  void begin(Instant since);
  void add(NameId version, Instant at, std::uint64_t requests, bool are_failing);

  /// Why nobody knows how this version is: half of its requests in here failed, three or more, as
  /// no neighbour's do that is well; and if they were the service's, more of the version's requests
  /// would have failed than may. `counted`: its requests that name the service; `allowed`: the
  /// share of them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(NameId version, const std::string& name,
                                                 std::uint64_t counted, double allowed) const;

 private:
  struct Seen {
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
  };
  /// What a log may make up as it likes; two of them are asked for.
  static constexpr std::size_t kVersionsMax = 100;

  Instant since_ = Instant::min();
  std::unordered_map<NameId, Seen> by_version_;
};

}  // namespace belay::rules
