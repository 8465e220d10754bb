#include "tests/simulation/truths.h"

#include <algorithm>
#include <chrono>

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

/// Three intervals of a source that speaks every second, a step, and what engine time may be off.
constexpr Duration kBlindAfter = 5s;
/// Seen to be bad for so long, by every rule, it cannot be fine.
constexpr Duration kPlain = 20s;
/// With less nobody need have seen it.
constexpr double kSharePlain = 10;
/// What a reading may have been behind, and what is read only now and then.
constexpr Duration kReadLate = 20s;

std::size_t index_of(const std::vector<Worker>& workers, const std::string& service) {
  const auto found = std::ranges::find(workers, service, &Worker::service);
  return static_cast<std::size_t>(found - workers.begin());
}

std::optional<std::string> why_not_healthy(const Worker& worker, const Traffic& traffic,
                                           const std::string& candidate, Instant now) {
  if (now - traffic.last_told() > kBlindAfter)
    return "nothing was told since " + format_utc(traffic.last_told());
  const Instant then = now - kPlain;
  const bool is_plain = traffic.told_since() <= then && worker.all().back().at <= then &&
                        worker.live().percent_of(candidate) >= kSharePlain &&
                        traffic.badness(candidate, then) > 0 && traffic.badness(candidate, now) > 0;
  if (is_plain) return candidate + " has been bad for " + format_duration(kPlain);
  return std::nullopt;
}

/// What the last fifth of a watch looks at, and as much again for what comes late.
constexpr Duration kClung = 10s;
/// With less, chance may leave none of it in what is looked at.
constexpr double kShareClung = 10;

std::optional<std::string> why_not_recovered(const Traffic& traffic, const std::string& candidate,
                                             Instant now) {
  if (traffic.clung_percent(candidate, now, kClung) < kShareClung) return std::nullopt;
  return candidate + " still has its traffic";
}

}  // namespace

Truths truths_of(const std::vector<Worker>& workers, const std::vector<Traffic>& traffic,
                 const WorldTime& time) {
  return {
      .why_not_healthy =
          [&](const std::string& service, const std::string& candidate) {
            const std::size_t i = index_of(workers, service);
            return why_not_healthy(workers[i], traffic[i], candidate, time.now());
          },
      .why_not_recovered =
          [&](const std::string& service, const std::string& candidate) {
            return why_not_recovered(traffic[index_of(workers, service)], candidate, time.now());
          },
      .was_disturbed =
          [&](const rules::RolloutStarted& rollout, Instant began) {
            const Worker& worker = workers[index_of(workers, rollout.service)];
            return std::ranges::any_of(worker.all(), [&](const Worker::Deployed& one) {
              const bool is_of_it = one.what.percent_of(rollout.candidate) > 0;
              const bool is_ours = one.what.message.starts_with("belay ");
              return one.at >= began - kReadLate && (!is_of_it || (rollout.is_driving && !is_ours));
            });
          },
      .now = [&] { return time.now(); }};
}

}  // namespace belay::simulation
