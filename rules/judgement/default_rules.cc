#include "rules/judgement/default_rules.h"

#include <cmath>
#include <utility>

#include "base/check.h"
#include "rules/judgement/verdict.h"
#include "rules/language/parser.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// A share as a person wrote it.
std::string percent(double share) { return decimal_text(std::round(share * 1e9) / 1e7) + "%"; }

}  // namespace

Rule default_rule(const std::string& name, std::string_view sentence) {
  ParsedSentence parsed = parse_sentence(sentence);
  BELAY_CHECK(parsed.sentence.has_value(), sentence);
  Rule rule;
  rule.name = name;
  rule.sentence = *std::move(parsed.sentence);
  rule.then = {.kind = Then::Kind::rollback};
  return rule;
}

Rule errors_before(const RolloutLimits& limits) {
  return default_rule(default_name(RolloutRule::errors),
                      "error rate > " + percent(limits.error_rate) + " over 30s, min 20 requests");
}

namespace {

DefaultRule comparison_of(const RolloutLimits& limits) {
  const std::string confidence = "confidence " + percent(1 - limits.alpha);
  if (!limits.judges_latency)
    return {.rule = RolloutRule::comparison,
            .when = "candidate worse than baseline by 25% errors, " + confidence,
            .guard = "the difference is at least 0.2 points of errors",
            .then = "roll back"};
  return {.rule = RolloutRule::comparison,
          .when = "candidate worse than baseline by 25% errors or 10% latency, " + confidence,
          .guard = "the difference is at least 0.2 points of errors or 0.5 of slow requests",
          .then = "roll back"};
}

DefaultRule latency_of(const RolloutLimits& limits) {
  if (!limits.judges_latency)
    return {.rule = RolloutRule::latency,
            .when = "never: it is off by `limits: { p95 latency: off }`",
            .guard = "",
            .then = "nothing"};
  return {.rule = RolloutRule::latency,
          .when = "p95 latency > " + format_duration(limits.latency) +
                  " over 1m, min 50 requests, for 30s with evidence of 30 to 1",
          .guard = "it is 1.25 times the baseline's",
          .then = "roll back",
          .holds =
              "fewer than one in ten of the step's requests of the candidate, of ten or more, "
              "tell how long they took (`wall_ms`, or your `latency field`); `limits: { p95 "
              "latency: off }` turns that off, and all that judges latency by default"};
}

}  // namespace

std::vector<DefaultRule> default_rules(const RolloutLimits& limits) {
  const std::string errors = percent(limits.error_rate);
  const std::string depth = words_of(limits.queue_depth, Dimension::count);
  return {
      comparison_of(limits),
      {.rule = RolloutRule::broken,
       .when = "errors >= 50% over 10s, min 20 requests, for 5s",
       .guard = "the baseline's rate is below half of it",
       .then = "roll back"},
      {.rule = RolloutRule::clear,
       .when = "errors >= 10% over 10s, min 30 errors, for 5s",
       .guard = "it is three times the baseline's rate",
       .then = "roll back"},
      {.rule = RolloutRule::errors,
       .when = "errors > " + errors +
               " over 30s, min 20 requests, for 30s with evidence of 30 to 1, else for 90s",
       .guard = "the baseline's rate is below half of it",
       .then = "roll back"},
      latency_of(limits),
      {.rule = RolloutRule::candidate_silent,
       .when =
           "no request of the candidate for 1m, and ten were to be expected beside the baseline's",
       .guard = "",
       .then = "pause"},
      {.rule = RolloutRule::probes,
       .when = "three probes of the candidate in a row fail",
       .guard = "the baseline's do not",
       .then = "roll back; pause where the answers name no version"},
      {.rule = RolloutRule::queue,
       .when = "a queue is deeper than " + depth + " for " + format_duration(limits.queue_for) +
               ", and 1.5 times as deep as when the rollout began",
       .guard = "",
       .then = "pause"},
  };
}

std::string text_of(const DefaultRule& rule) {
  return rule.when + (rule.guard.empty() ? "" : ", if " + rule.guard) + " → " + rule.then;
}

std::string summary_of(const RolloutLimits& limits) {
  return "the default judgement: worse than the baseline at " + percent(1 - limits.alpha) +
         ", plainly broken, more than " + percent(limits.error_rate) + " errors" +
         (limits.judges_latency ? " or p95 above " + format_duration(limits.latency) : "") +
         " beside a better baseline, three failed probes of it";
}

std::vector<Rule> rules_by_default(const RolloutLimits& limits,
                                   const std::vector<std::string>& probes) {
  const std::string errors =
      "error rate > " + percent(limits.error_rate) + " over 30s, min 20 requests, for 10s";
  const std::string latency =
      "p95 latency > " + format_duration(limits.latency) + " over 1m, min 50 requests, for 30s";
  std::vector<Rule> rules;
  for (std::size_t i = 0; i < kRolloutRules; ++i) {
    const auto rule = static_cast<RolloutRule>(i);
    rules.push_back(
        default_rule(default_name(rule), rule == RolloutRule::latency ? latency : errors));
  }
  for (const std::string& probe : probes)
    rules.push_back(
        default_rule(default_name_of_probe(probe), "probe \"" + probe + "\" fails 3 of 3"));
  return rules;
}

std::vector<Rule> alerts_by_default(const RolloutLimits& limits) {
  const std::vector<Rule> all = rules_by_default(limits, {});
  std::vector<Rule> alerts;
  for (const RolloutRule rule : {RolloutRule::errors, RolloutRule::latency})
    if (rule != RolloutRule::latency || limits.judges_latency)
      alerts.push_back(all[static_cast<std::size_t>(rule)]);
  for (Rule& rule : alerts) rule.then = {.kind = Then::Kind::alert};
  return alerts;
}

}  // namespace belay::rules
