#include "rules/judgement/rollout_words.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/sanitize.h"
#include "rules/judgement/verdict.h"

namespace belay::rules {
namespace {

constexpr double kAlphaShown = 0.01;
/// Beyond this an odd is told as "more than".
constexpr double kOddsMax = 1e12;

std::string percent(double share) { return words_of(share, Dimension::share); }

std::string of(const PairCounts::Of& counts) {
  return std::to_string(counts.bad) + " of " + std::to_string(counts.total);
}

double share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

/// Two digits that count, with commas: "8,100".
std::string odds_text(double odds) {
  if (odds >= kOddsMax) return "more than 1,000,000,000,000";
  if (odds < 10) return words_of(odds, Dimension::count);
  const double unit = std::pow(10, std::floor(std::log10(odds)) - 1);
  std::string digits = std::to_string(std::llround(std::round(odds / unit) * unit));
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string_view name_of_bad(Compared compared) {
  switch (compared) {
    case Compared::errors:
      return "errors";
    case Compared::slow_p50:
      return "requests slower than the baseline's p50";
    case Compared::slow_p90:
      return "requests slower than the baseline's p90";
    case Compared::slow_p99:
      return "requests slower than the baseline's p99";
  }
  return "errors";
}

std::string in_the_last(Duration over) {
  if (over <= Duration::zero()) return {};
  return " in the last " + format_duration(std::chrono::round<std::chrono::seconds>(over));
}

std::string listed(const char* what, const std::vector<TopFailure>& failures, Duration over) {
  std::string text;
  for (const TopFailure& failure : failures) {
    text += text.empty() ? what + in_the_last(over) + ": " : ", ";
    text += failure.name + " (" + std::to_string(failure.bad);
    if (failure.total > 0) text += " of " + std::to_string(failure.total);
    text += ")";
  }
  return text;
}

/// "v2 took 10% ... Evidence against "not more than 1.25x worse": 8,100 to 1 (limit 200 to 1)"
std::string words_of_finding(const RolloutNumbers& numbers, const std::string& candidate) {
  return words_of_share(numbers, candidate) + ". Evidence against \"not more than " +
         words_of(numbers.margin, Dimension::count) + "x worse\": " + words_of_odds(numbers);
}

/// "4.2% to 9.8% of its requests, 3 points more than allowed"
std::string words_of_size(const RolloutNumbers& numbers) {
  const double excess = std::max(numbers.excess, 0.0);
  return percent(numbers.interval.low) + " to " + percent(numbers.interval.high) +
         " of its requests, " + words_of(excess, Dimension::points) + " more than allowed";
}

GuardedRule guarded(RolloutRule rule) {
  switch (rule) {
    case RolloutRule::broken:
      return GuardedRule::broken;
    case RolloutRule::clear:
      return GuardedRule::clear;
    case RolloutRule::latency:
      return GuardedRule::latency;
    default:
      return GuardedRule::errors;
  }
}

/// What a rule looks at of one version, in its window: its bad requests among those it counts.
PairCounts::Of counts_of(const PairedEvidence& evidence, GuardedRule rule, Role role) {
  const PairedEvidence::Sums sums = evidence.last(GuardedRules::window_seconds(rule), role);
  if (rule == GuardedRule::latency) return {.bad = sums.slow, .total = sums.reported};
  return {.bad = sums.errors, .total = sums.total};
}

/// "v2 fails 62% of its requests (31 of 50)"
std::string words_of_version(const std::string& version, const PairCounts::Of& counts,
                             const char* does) {
  if (counts.total == 0) return version + " has no requests";
  return version + does + percent(share(counts.bad, counts.total)) + " of its requests (" +
         of(counts) + ")";
}

}  // namespace

const char* name_of(RolloutRule rule) {
  switch (rule) {
    case RolloutRule::comparison:
      return "comparison";
    case RolloutRule::broken:
      return "broken";
    case RolloutRule::clear:
      return "clear";
    case RolloutRule::errors:
      return "errors";
    case RolloutRule::latency:
      return "latency";
    case RolloutRule::candidate_silent:
      return "candidate_silent";
    case RolloutRule::probes:
      return "probes";
    case RolloutRule::queue:
      return "queue";
  }
  return "comparison";
}

std::string default_name(RolloutRule rule) { return std::string("default/") + name_of(rule); }

std::string default_name_of_probe(const std::string& probe) {
  return default_name(RolloutRule::probes) + "/" + probe;
}

const char* name_of(RolloutAnswer::Kind kind) {
  switch (kind) {
    case RolloutAnswer::Kind::warn:
      return "warn";
    case RolloutAnswer::Kind::pause:
      return "pause";
    case RolloutAnswer::Kind::resume:
      return "resume";
    case RolloutAnswer::Kind::rollback:
      return "rollback";
  }
  return "warn";
}

std::string words_of_share(const RolloutNumbers& numbers, const std::string& candidate) {
  const PairCounts& counts = numbers.counts;
  const std::uint64_t bad = counts[Role::candidate].bad + counts[Role::baseline].bad;
  return candidate + " took " + percent(numbers.traffic) + " of the traffic and produced " +
         percent(numbers.share) + " of the " + std::string(name_of_bad(numbers.compared)) + " (" +
         std::to_string(counts[Role::candidate].bad) + " of " + std::to_string(bad) +
         ") in the last " + format_duration(numbers.window);
}

std::string words_of_odds(const RolloutNumbers& numbers) {
  return odds_text(numbers.odds) + " to 1 (limit " + odds_text(numbers.odds_limit) + " to 1)";
}

std::vector<std::string> lines_of_top(const RolloutNumbers& numbers, Duration over) {
  std::vector<std::string> lines;
  for (const std::string& line :
       {listed("routes", numbers.routes, over), listed("by reason", numbers.reasons, over),
        listed("exceptions", numbers.exceptions, over)})
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string words_of(const RolloutNumbers& numbers, const std::string& candidate) {
  std::string text = words_of_finding(numbers, candidate) + "; " + words_of_size(numbers);
  for (const std::string& line : lines_of_top(numbers, {})) text += "; " + line;
  return text;
}

std::string words_of_failed(std::uint64_t failed, std::uint64_t requests) {
  const RateInterval interval = rate_interval(failed, requests, kAlphaShown);
  const std::string words =
      std::to_string(failed) + " of " + std::to_string(requests) + " requests failed";
  return requests == 0 ? words : words + ", so at most " + percent(interval.high);
}

std::string words_of_few(std::uint64_t requests, std::uint64_t failed, std::uint64_t wanted) {
  return std::to_string(requests) + " of " + std::to_string(wanted) + " requests; " +
         words_of_failed(failed, requests);
}

std::string words_of_rule(const PairedEvidence& evidence, RolloutRule rule,
                          const std::string& candidate, const std::string& baseline) {
  const GuardedRule looked_at = guarded(rule);
  const char* does = looked_at == GuardedRule::latency ? " is too slow in " : " fails ";
  const auto words = [&](const std::string& version, Role role) {
    return words_of_version(version, counts_of(evidence, looked_at, role), does);
  };
  const std::string beside = baseline.empty() ? "" : ", " + words(baseline, Role::baseline);
  return words(candidate, Role::candidate) + beside + " in the last " +
         format_duration(std::chrono::seconds{GuardedRules::window_seconds(looked_at)});
}

std::string RolloutWords::queue(const std::string& name, double depth, double before) const {
  return "queue " + sanitize(name) + " is " + words_of(depth, Dimension::count) +
         " deep; before the rollout it was " + words_of(before, Dimension::count);
}

std::string RolloutWords::nameless_probe(const std::string& name) const {
  return "the last three answers of probe " + sanitize(name) +
         " failed, and they name no version: nobody knows whether " + candidate_ + " is to blame";
}

void RolloutWords::fill_comparison(RolloutAnswer& answer) const {
  answer.numbers = numbers_of(evidence_.comparison(), answer.at);
  answer.headline = words_of_finding(answer.numbers, candidate_);
  answer.details.push_back(words_of_size(answer.numbers));
}

void RolloutWords::fill_rule(RolloutAnswer& answer) const {
  RolloutNumbers& numbers = answer.numbers;
  numbers = numbers_of(evidence_.comparison(), answer.at);
  const GuardedRule rule = guarded(answer.rule);
  numbers.window = std::chrono::seconds{GuardedRules::window_seconds(rule)};
  for (const Role role : {Role::candidate, Role::baseline})
    numbers.counts[role] = counts_of(evidence_, rule, role);
  const PairCounts::Of& candidate = numbers.counts[Role::candidate];
  const PairCounts::Of& baseline = numbers.counts[Role::baseline];
  numbers.traffic = share(candidate.total, candidate.total + baseline.total);
  numbers.allowed = numbers.traffic;
  numbers.share = share(candidate.bad, candidate.bad + baseline.bad);
  numbers.interval = rate_interval(candidate.bad, candidate.total, kAlphaShown);
  numbers.excess = numbers.counts.excess(1);
  numbers.margin = 0;
  answer.headline = std::string(answer.is_shared_cause ? "shared cause: " : "") +
                    words_of_rule(evidence_, answer.rule, candidate_, baseline_);
}

void RolloutWords::fill(RolloutAnswer& answer, const std::string& name) const {
  switch (answer.rule) {
    case RolloutRule::comparison:
      fill_comparison(answer);
      break;
    case RolloutRule::candidate_silent:
      answer.headline = candidate_ + " has had no request for a minute or more, and " + baseline_ +
                        " has had " + std::to_string(evidence_.baseline_since_candidate());
      break;
    case RolloutRule::probes:
      answer.headline = "the last three probes of " + candidate_ + " by " + sanitize(name) +
                        " failed" +
                        (answer.is_shared_cause ? ", and so did those of " + baseline_ : "");
      break;
    case RolloutRule::queue:
      break;
    default:
      fill_rule(answer);
      break;
  }
  if (answer.rule == RolloutRule::queue || answer.rule == RolloutRule::probes) return;
  const EvidenceBlocks& blocks = evidence_.comparison().blocks(answer.numbers.compared);
  fill_top(answer.numbers, blocks, evidence_, names_);
  // Not the window of the rule, which may be shorter.
  const Duration over = answer.at - Instant{std::chrono::seconds{blocks.evidence_since()}};
  for (std::string& line : lines_of_top(answer.numbers, over))
    answer.details.push_back(std::move(line));
}

}  // namespace belay::rules
