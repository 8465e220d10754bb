#include "rules/rollout/preflight.h"

#include <algorithm>
#include <chrono>

#include "base/sanitize.h"

namespace belay::rules {

PreflightAnswer judge_preflight(const PreflightFacts& facts) {
  PreflightAnswer answer;
  const auto bad = [&answer](std::string why) {
    answer.is_bad = true;
    answer.hindrances.push_back(std::move(why));
  };
  const auto unknown = [&answer](std::string why) { answer.hindrances.push_back(std::move(why)); };
  if (facts.baseline.empty()) bad("there is no version to go back to");
  if (facts.baseline == facts.candidate) bad("the version to go back to is the candidate itself");
  if (facts.was_rolled_away)
    bad((facts.failed ? *facts.failed + " and" : facts.baseline) +
        " was rolled away from: it is no version to go back to");
  if (facts.failed && !facts.was_rolled_away)
    bad(*facts.failed +
        ": it is no version to go back to; name another, or approve if it was mended");
  if (facts.serving_failed)
    unknown(*facts.serving_failed +
            " and has most of the traffic: the first step would give that to " + facts.baseline);
  // A promotion may have left it the traffic: its steps can end below 100 %.
  if (facts.last_good && *facts.last_good != facts.baseline && !facts.baseline.empty() &&
      facts.serving != facts.baseline)
    unknown(facts.baseline + " is not the version that was promoted or put back last (" +
            *facts.last_good + "), and " +
            (facts.serving.empty() ? "nobody knows what has the traffic"
                                   : facts.serving + " has most of the traffic"));
  if (facts.baseline_unknown)
    unknown("nobody knows whether the service is healthy: " + *facts.baseline_unknown);
  for (const std::string& requirement : facts.unmet) bad(requirement);
  const auto consider = [&](const PreflightDone::Check& check, const char* bad_words) {
    if (check.result == Truth::fine) return;
    const bool is_bad = check.result == Truth::bad;
    const std::string words = sanitize(check.name) + (is_bad ? bad_words : " is not known") +
                              (check.detail.empty() ? "" : ": " + sanitize(check.detail));
    is_bad ? bad(words) : unknown(words);
  };
  for (const PreflightDone::Check& check : facts.sentences) consider(check, " is bad");
  if (facts.is_asked && !facts.answered) unknown("the platform has not answered yet");
  if (!facts.answered) return answer;
  for (const PreflightDone::Check& check : facts.answered->checks) consider(check, " is not so");
  return answer;
}

std::optional<std::string> frozen(const RolloutPlan& plan, Instant now) {
  for (const Freeze& freeze : plan.freezes)
    if (now >= freeze.from && now < freeze.to)
      return "frozen until " + format_utc(freeze.to) +
             (freeze.why.empty() ? "" : ": " + sanitize(freeze.why));
  if (plan.windows.empty()) return std::nullopt;
  constexpr Duration kDay = std::chrono::hours{24};
  const Duration since_epoch = now.time_since_epoch();
  const auto days = since_epoch / kDay;
  const auto weekday = static_cast<std::size_t>((days + 3) % 7);  // 1970-01-01: a Thursday.
  const Duration of_day = since_epoch % kDay;
  const bool is_open =
      std::any_of(plan.windows.begin(), plan.windows.end(), [&](const DeployWindow& window) {
        return window.days[weekday] && of_day >= window.from && of_day < window.to;
      });
  if (is_open) return std::nullopt;
  return "outside the deployment windows";
}

}  // namespace belay::rules
