#include "rules/rollout/swapped.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/sanitize.h"
#include "rules/rollout/baseline.h"

namespace belay::rules {
namespace {

/// Enough to say who has the traffic.
constexpr std::uint64_t kRequestsMin = 20;
/// Who has less than one in so many has lost it: stragglers.
constexpr std::uint64_t kStragglers = 20;

struct Pair {
  std::uint64_t candidate = 0;
  std::uint64_t baseline = 0;
};

Pair pair_of(const TrafficSlice& slice, const std::string& candidate, const std::string& baseline) {
  Pair pair;
  for (const VersionRequests& one : slice) {
    if (one.version == candidate) pair.candidate += one.requests;
    if (one.version == baseline) pair.baseline += one.requests;
  }
  return pair;
}

/// Within the last ten minutes the baseline had it all.
bool had_lost_its_traffic(const std::string& candidate, const std::string& baseline,
                          const Service& service) {
  Pair sum;
  for (Duration ago{}; ago < kRecent; ago += RequestBucket{1}) {
    const Pair slice = pair_of(service.recent_requests(RequestBucket{1}, ago), candidate, baseline);
    sum.candidate += slice.candidate;
    sum.baseline += slice.baseline;
    const std::uint64_t both = sum.candidate + sum.baseline;
    if (both < kRequestsMin) continue;
    if (sum.candidate * kStragglers < both) return true;
    sum = {};
  }
  return false;
}

/// Whether it came first, and not by chance: the later one would have had ten requests by then.
bool is_earlier(Instant first, Instant later, std::uint64_t of_later, Instant now) {
  constexpr Duration kEarlierMin = std::chrono::seconds{10};
  constexpr double kExpectedMin = 10;
  if (later - first < kEarlierMin) return false;
  const double there = seconds(std::clamp(now - later, Duration{std::chrono::seconds{1}}, kRecent));
  return static_cast<double>(of_later) * seconds(later - first) / there >= kExpectedMin;
}

}  // namespace

std::string beware_of_swap(const NamedVersions& named, const Service& service,
                           const VersionHistory& history, Instant now) {
  const std::string& candidate = service.evidence.names->text(named.candidate);
  const std::string& baseline = service.evidence.names->text(named.baseline);
  const Pair recent = pair_of(service.recent_requests(), candidate, baseline);
  const std::optional<Instant> came = service.came(named.candidate, kRecent);
  // A baseline that is quiet for a while is not new.
  const std::optional<Instant> baseline_came = service.came(named.baseline, kRecent);
  if (!came || recent.candidate < kRequestsMin ||
      had_lost_its_traffic(candidate, baseline, service))
    return {};
  const bool was_first = baseline_came && is_earlier(*came, *baseline_came, recent.baseline, now);
  const bool was_later = baseline_came && is_earlier(*baseline_came, *came, recent.candidate, now);
  const bool was_good = history.was_good(candidate, now) && !history.was_good(baseline, now) &&
                        recent.candidate >= recent.baseline;
  if (!was_first && (was_later || !was_good)) return {};
  return "beware: " + sanitize(candidate) + " was there before " + sanitize(baseline) +
         ": are candidate and baseline swapped?";
}

}  // namespace belay::rules
