#include "rules/judgement/whole_traffic.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "rules/language/false_alarms.h"

namespace belay::rules {
namespace {

using Sums = PairedEvidence::Sums;

/// What is plainly more: so many, so many times the baseline's share, and no likelier by chance
/// than this. Beside that each kind has a share of its own that is nothing to speak of.
constexpr std::uint64_t kCallsMin = 10;
constexpr double kTimesMin = 2;
constexpr double kChanceMax = 1e-4;
constexpr double kFailedMin = 0.01;
constexpr double kCanceledMin = 0.05;
constexpr double kUntimedMin = 0.5;
constexpr double kTurnedAwayMin = 0.2;
/// What is no more than this beyond is about as often.
constexpr double kDeviations = 3;
/// Beside hardly an invocation of the baseline, which show nothing of chance.
constexpr double kFailedAloneMin = 0.5;
/// A baseline that has kept but its health checks shows nothing of what clients do: of both, it
/// must have one request in so many.
constexpr std::uint64_t kBesideOneOf = 10;

struct Part {
  std::uint64_t calls = 0;
  std::uint64_t all = 0;
  [[nodiscard]] double share() const {
    return all == 0 ? 0 : static_cast<double>(calls) / static_cast<double>(all);
  }
  [[nodiscard]] std::string words() const {
    return std::to_string(calls) + " of " + std::to_string(all);
  }
};

bool is_plainly_more(const Part& candidate, const Part& baseline, double share_min) {
  if (baseline.all == 0 || candidate.calls < kCallsMin || candidate.share() < share_min ||
      candidate.share() < kTimesMin * baseline.share())
    return false;
  const double traffic =
      static_cast<double>(candidate.all) / static_cast<double>(candidate.all + baseline.all);
  return chance_of_at_least(candidate.calls, candidate.calls + baseline.calls, traffic) <=
         kChanceMax;
}

bool shows_clients(const Sums& baseline, const Sums& candidate) {
  return baseline.total * kBesideOneOf >= baseline.total + candidate.total;
}

Part failed(const Sums& sums) { return {.calls = sums.errors, .all = sums.total}; }
Part failed_invocations(const Sums& sums) {
  return {.calls = sums.failed_invocations, .all = sums.invocations};
}
Part canceled(const Sums& sums) { return {.calls = sums.canceled, .all = sums.total}; }
Part turned_away(const Sums& sums) { return {.calls = sums.turned_away, .all = sums.total}; }
/// Some come about as often to each version, however little of the traffic it has: health checks.
Part beyond(const Part& own, const Part& beside) {
  const auto more = static_cast<double>(beside.calls) - static_cast<double>(own.calls);
  const bool is_as_often =
      more <= kDeviations * std::sqrt(static_cast<double>(own.calls + beside.calls));
  const bool has_as_many_others = own.all >= 2 * own.calls;
  if (!is_as_often || !has_as_many_others) return own;
  return {.calls = own.calls - std::min(own.calls, beside.calls), .all = own.all};
}
Part untimed(const Sums& sums) { return {.calls = sums.total - sums.reported, .all = sums.total}; }

std::optional<std::string> doubt_as_of(Instant end, const PairedEvidence& evidence,
                                       const std::string& candidate, const std::string& baseline,
                                       const Excused& excused) {
  const Sums own = evidence.before(end, PairedEvidence::kSecondsMax, Role::candidate);
  const Sums beside = evidence.before(end, PairedEvidence::kSecondsMax, Role::baseline);
  if (failed(own).share() > excused.errors &&
      is_plainly_more(failed(own), failed(beside), kFailedMin))
    return candidate + " failed " + failed(own).words() + " requests in the last 2m, " + baseline +
           " failed " + failed(beside).words() + ": too many to pass, whatever their routes";
  const Part calls = failed_invocations(own);
  const Part calls_beside = failed_invocations(beside);
  const bool fails_alone = !excused.invocations && calls_beside.all < kCallsMin &&
                           calls.share() >= kTimesMin * calls_beside.share() &&
                           calls.calls >= kCallsMin && calls.share() >= kFailedAloneMin;
  if (fails_alone || is_plainly_more(calls, calls_beside, kFailedMin))
    return candidate + " failed " + calls.words() +
           " invocations that are no requests (RPC, queue, cron, ...) in the last 2m" +
           (fails_alone ? "" : ", " + baseline + " " + calls_beside.words()) +
           ": too many to pass, and only a rule on `invocations` acts on them";
  const bool is_beside = shows_clients(beside, own);
  const Sums& clients = is_beside ? beside : excused.clients;
  if (!shows_clients(clients, own)) return std::nullopt;
  const std::string before = is_beside ? "" : " before the rollout";
  if (is_plainly_more(canceled(own), canceled(clients), kCanceledMin))
    return "the clients of " + candidate + " left " + canceled(own).words() +
           " requests in the last 2m before their end, those of " + baseline + " " +
           canceled(clients).words() + before + ": nobody knows how they would have ended";
  if (is_plainly_more(beyond(turned_away(own), turned_away(clients)), turned_away(clients),
                      kTurnedAwayMin))
    return candidate + " answered " + turned_away(own).words() +
           " requests in the last 2m with 3xx or 4xx, " + baseline + " " +
           turned_away(clients).words() + before + ": nobody knows whether that is meant";
  if (!excused.durations && is_beside &&
      is_plainly_more(untimed(own), untimed(beside), kUntimedMin))
    return untimed(own).words() + " requests of " + candidate +
           " in the last 2m tell no duration, of " + baseline + " " + untimed(beside).words() +
           ": nobody knows how slow it is";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> doubt_of_whole(const PairedEvidence& evidence,
                                          const std::string& candidate, const std::string& baseline,
                                          const Excused& excused) {
  std::optional<std::string> doubt =
      doubt_as_of(evidence.complete(), evidence, candidate, baseline, excused);
  // Some kinds may be in another log, which is later.
  if (!doubt && evidence.all_complete() < evidence.complete())
    doubt = doubt_as_of(evidence.all_complete(), evidence, candidate, baseline, excused);
  return doubt;
}

}  // namespace belay::rules
