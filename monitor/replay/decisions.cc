#include "monitor/replay/decisions.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"

namespace belay::monitor {

using nlohmann::ordered_json;

nlohmann::ordered_json json_of(const Decision& decision) {
  ordered_json json{{"decision", decision.decision}, {"t", seconds(decision.t)}};
  if (decision.step > 0) json["step"] = decision.step;
  if (!decision.rule.empty()) json["rule"] = decision.rule;
  if (!decision.reason.empty()) json["reason"] = decision.reason;
  if (!decision.details.empty()) json["details"] = decision.details;
  if (decision.numbers) json["numbers"] = exporters::json_of(*decision.numbers);
  return json;
}

std::string text_of(const Decision& decision) {
  const auto at = std::chrono::round<std::chrono::seconds>(decision.t);
  std::string text = fmt::format("{:>8}  {}", format_duration(at), decision.decision);
  if (!decision.rule.empty()) text += fmt::format(" by {}", sanitize(decision.rule));
  if (decision.decision == "keep") text += " (to its end nothing called for a rollback)";
  if (!decision.reason.empty()) text += fmt::format(": {}", sanitize(decision.reason));
  text += "\n";
  for (const std::string& line : decision.details)
    text += fmt::format("{:>10}{}\n", "", sanitize(line));
  return text;
}

Decisions::Decisions(std::vector<rules::RolloutStep> steps, const std::vector<rules::Rule>& written)
    : steps_(std::move(steps)) {
  for (const rules::Rule& rule : written)
    if (rule.then.kind == rules::Then::Kind::pause) pausing_rules_.insert(rule.name);
}

Decision Decisions::decision(std::string what, Instant at, Instant first) const {
  return {.decision = std::move(what), .t = at - first, .step = step_ + 1};
}

rules::StepAnswer Decisions::judge(const rules::RolloutStatus& rollout) const {
  rules::StepEvidence evidence{
      .since = step_began_,
      .rules = {.outcome = rollout.verdict, .unknown = rollout.unknown, .why = rollout.why}};
  if (rollout.comparison) {
    const rules::PairCounts::Of& all = rollout.comparison->since_start[rules::Role::candidate];
    evidence.requests = all.total - before_step_.total;
    evidence.errors = all.bad - before_step_.bad;
  }
  return rules::judge_step(steps_[step_], evidence, *step_ends_);
}

void Decisions::advance(std::vector<Decision>& decided, Instant now, Instant first,
                        const Look& look) {
  if (!step_ends_) {
    step_began_ = std::chrono::floor<std::chrono::seconds>(first);
    step_ends_ = step_began_ + steps_.front().bake;
  }
  while (step_ + 1 < steps_.size() && now >= *step_ends_) {
    const std::optional<rules::RolloutStatus> rollout = look();
    const std::string next = fmt::format("{:g}% of the traffic", steps_[step_ + 1].percent);
    if (!is_rolled_back_ && !is_paused_ && firing_pauses_.empty()) {
      const rules::StepAnswer answer =
          rollout ? judge(*rollout) : rules::StepAnswer{.why = "there is no rollout any more"};
      const bool passes = answer.kind == rules::StepAnswer::Kind::passes;
      decided.push_back(decision(passes ? "advance" : "hold", *step_ends_, first));
      decided.back().step += passes ? 1 : 0;
      decided.back().reason = passes ? next : "not " + next + ": " + answer.why;
    }
    ++step_;
    if (rollout && rollout->comparison)
      before_step_ = rollout->comparison->since_start[rules::Role::candidate];
    step_began_ = *step_ends_;
    *step_ends_ += steps_[step_].bake;
  }
}

void Decisions::take(std::vector<Decision>& decided, const rules::RolloutAnswer& answer,
                     Instant first) {
  using Kind = rules::RolloutAnswer::Kind;
  if (is_rolled_back_ || answer.kind == Kind::warn) return;
  if (answer.kind == Kind::rollback) is_rolled_back_ = true;
  if (answer.kind != Kind::rollback) is_paused_ = answer.kind == Kind::pause;
  Decision made = decision(rules::name_of(answer.kind), answer.at, first);
  made.rule = rules::name_of(answer.rule);
  made.reason = answer.headline;
  made.details = answer.details;
  if (answer.kind != Kind::resume) made.numbers = answer.numbers;
  decided.push_back(std::move(made));
}

void Decisions::take(std::vector<Decision>& decided, const rules::Notice& notice, Instant first) {
  if (is_rolled_back_) return;
  const bool is_rollback = notice.kind == rules::Notice::Kind::would_act;
  const bool is_of_pause = pausing_rules_.contains(notice.rule);
  std::string what;
  if (is_rollback) {
    is_rolled_back_ = true;
    what = "rollback";
  } else if (is_of_pause && notice.kind == rules::Notice::Kind::fired) {
    firing_pauses_.insert(notice.rule);
    what = "pause";
  } else if (is_of_pause && notice.kind == rules::Notice::Kind::cleared) {
    firing_pauses_.erase(notice.rule);
    what = "resume";
  } else {
    return;
  }
  Decision made = decision(std::move(what), notice.at, first);
  made.rule = notice.rule;
  made.reason = notice.headline;
  decided.push_back(std::move(made));
}

std::vector<Decision> Decisions::take(const rules::Step& step, Instant now, Instant first,
                                      const Look& look) {
  std::vector<Decision> decided;
  // An answer has the numbers; what is done about it is told as well.
  for (const rules::Step::Answer& answer : step.answers) take(decided, answer.answer, first);
  for (const rules::Notice& notice : step.notices) take(decided, notice, first);
  advance(decided, now, first, look);
  return decided;
}

std::optional<Decision> Decisions::end(Instant last, Instant first) const {
  if (is_rolled_back_) return std::nullopt;
  return decision("keep", last, first);
}

}  // namespace belay::monitor
