#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/event.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// What a candidate is compared with and a rollback goes back to, and who said so.
struct Baseline {
  enum class From : std::uint8_t {
    asked,     ///< Whoever began the rollout.
    live,      ///< It has the largest other share of the platform's live deployment.
    promoted,  ///< It was promoted last,
    put_back,  ///< or a rollback put it back last.
    traffic,   ///< It had the most requests within the last ten minutes.
    nobody,    ///< There is none: comparisons are unknown, absolute rules still judge.
  };
  std::string version;  ///< Empty: none. Never the candidate.
  From from = From::nobody;
  std::vector<std::string> passed_over;  ///< What would else have been it, and why it is not.
};

/// What Belay itself knows of versions. By default: nothing.
struct KnownVersions {
  /// Promoted or put back last; empty: none.
  std::string good;
  bool was_put_back = false;
  bool is_recent = false;  ///< So much so that what had most requests may be what was before it.
  /// Why a version is nothing to go back to; nothing if it may be. Null: all may be.
  std::function<std::optional<std::string>(const std::string&)> why_not = nullptr;
};

/// DESIGN.md 2, "A rollout, and a gate". `live`: none if the platform has not said what is live.
/// `recent`: what may be taken by its traffic; of those with as many requests the first.
///
/// What the platform says comes first. What was promoted or put back last comes before what has
/// most requests, unless that was not recent, it had none of `recent` and another version had: then
/// someone has deployed that since.
Baseline choose_baseline(const std::string& candidate, const std::string& asked,
                         const std::optional<Deployment>& live,
                         const std::vector<VersionRequests>& recent,
                         const KnownVersions& known = {});

/// "the largest other share of what is live", "most requests in the last ten minutes", ...; empty
/// for what was asked for and for none.
std::string_view words_of(Baseline::From from);

/// Of what is live, the version with the largest share besides this one; empty if there is none.
std::string largest_other(const Deployment& live, const std::string& candidate);

}  // namespace belay::rules
