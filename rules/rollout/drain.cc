#include "rules/rollout/drain.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"

namespace belay::rules {
namespace {

/// A person who looks at the old version, or a probe that asks it, is not its traffic.
constexpr double kShareMin = 0.01;
constexpr std::uint64_t kRequestsMin = 2;
constexpr Duration kOverMax = std::chrono::minutes{1};

}  // namespace

Drain::Drain(std::string version, NameId id, double share_before, Duration watched_for,
             ServiceEvidence& evidence, Instant now)
    : version_(std::move(version)), share_max_(std::max(kShareMin, share_before / 2)) {
  const Duration over = std::clamp(watched_for / 5, kWindowMin, kOverMax);
  WindowSpec spec;
  spec.since = now + watched_for - std::min(over, watched_for / 2);
  spec.over = over;
  of_all_ = evidence.windows.find_or_add(spec, now);
  spec.version = VersionFilter{.all = false, .version = id};
  of_version_ = evidence.windows.find_or_add(std::move(spec), now);
}

std::optional<std::string> Drain::objection(Instant now) const {
  const TimeBuckets at(now);
  of_version_->advance(at);
  of_all_->advance(at);
  const std::uint64_t left = of_version_->count();
  const std::uint64_t all = of_all_->count();
  if (left < kRequestsMin || static_cast<double>(left) < share_max_ * static_cast<double>(all))
    return std::nullopt;
  return sanitize(version_) + " still gets " + std::to_string(left) + " of " + std::to_string(all) +
         " requests";
}

void Drain::keep(WindowStore& windows) const {
  windows.keep(of_version_);
  windows.keep(of_all_);
}

}  // namespace belay::rules
