#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/names.h"
#include "rules/judgement/service_evidence.h"

namespace belay::rules {

/// Whether a version that was rolled back from really loses its requests: "done" of a command, or
/// a platform's answer that the restored version is live, do not show that. Looks at the last part
/// of the watch only, so that what was under way when it was rolled back does not count.
class Drain {
 public:
  /// `share_before`: of the service's requests, 0..1, before it was rolled back; 0 if not known.
  /// `watched_for`: from `now` on, how long the rollback is watched.
  Drain(std::string version, NameId id, double share_before, Duration watched_for,
        ServiceEvidence& evidence, Instant now);

  /// At the end of the watch. "v2 still gets 240 of 480 requests": half of its share or more, and
  /// no less than one in a hundred. Nothing if it has drained, or if the log names no versions.
  [[nodiscard]] std::optional<std::string> objection(Instant now) const;
  void keep(WindowStore& windows) const;

 private:
  std::string version_;
  double share_max_;
  Window* of_version_;  // Of the service's evidence.
  Window* of_all_;
};

}  // namespace belay::rules
