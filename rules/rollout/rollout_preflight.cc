// What is asked before the first step, of the service itself, the world and other services.

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

constexpr Duration kAskAgain = std::chrono::minutes{1};
constexpr Duration kUnknownMax = std::chrono::minutes{10};

/// Kinds that say nothing about the health of a service; a quiet one is no reason to wait.
bool hides_health(UnknownKind kind) {
  return kind == UnknownKind::error || kind == UnknownKind::blind || kind == UnknownKind::sampled ||
         kind == UnknownKind::lagging || kind == UnknownKind::warming;
}

std::string why_of(const PreflightAnswer& answer) {
  std::string why;
  for (const std::string& hindrance : answer.hindrances)
    why += (why.empty() ? "" : "; ") + hindrance;
  return why;
}

}  // namespace

void Rollout::ask(Instant now, Step& out) {
  const RolloutStatus& status = records_.back().status();
  asked_at_ = now;
  out.preflight.push_back({.rollout = status.id,
                           .service = status.service,
                           .candidate = status.candidate,
                           .baseline = status.baseline,
                           .is_driving = status.is_driving,
                           .commit = status.commit});
}

PreflightFacts Rollout::facts(Instant now) const {
  const RolloutStatus& status = records_.back().status();
  const std::optional<VersionHistory::Good> good = versions_.last_good(now);
  PreflightFacts facts{
      .candidate = status.candidate,
      .baseline = status.baseline,
      .is_driving = status.is_driving,
      .was_rolled_away = book_.was_rolled_away(status.service, status.baseline),
      .failed = versions_.failure_of(status.baseline, now),
      .last_good = good ? std::optional(good->version) : std::nullopt,
      .serving = choose_baseline(status.candidate, "", live_, service_.recent_requests()).version,
      .baseline_unknown = std::nullopt,
      .unmet = unmet_,
      .sentences = {},
      .is_asked = service_.plan.rollout.asks_preflight,
      .answered = preflight_};
  if (live_ && is_live_current(now))
    if (const std::string most = largest_other(*live_, status.candidate); most != status.baseline)
      facts.serving_failed = versions_.failure_of(most, now);
  for (const std::vector<JudgedRule>* rules : {&service_.before, &service_.always})
    for (const JudgedRule& rule : *rules)
      if (counts_for_verdict(rule.rule()) && rule.status().unknown &&
          hides_health(*rule.status().unknown) && !mentions_baseline(rule.rule().sentence.when))
        facts.baseline_unknown = rule.rule().name + " is " + name_of(*rule.status().unknown);
  for (const JudgedRule& rule : service_.preflight)
    facts.sentences.push_back({.name = rule.rule().name,
                               .result = rule.status().truth,
                               .detail = gist_of(rule.status().evidence)});
  return facts;
}

void Rollout::check_preflight(Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  if (record.is_paused()) return hold({HoldReason::paused, "an operator has paused it"}, now, out);
  if (move_refused_) return hold({HoldReason::traffic, *move_refused_}, now, out);
  const PreflightFacts known = facts(now);
  const PreflightAnswer answer = judge_preflight(known);
  const bool can_approve = !known.baseline.empty() && known.baseline != known.candidate;
  if (!answer.hindrances.empty() && !(record.is_approved() && can_approve)) {
    if (!preflight_unknown_since_) preflight_unknown_since_ = now;
    if (known.is_asked && now - asked_at_.value_or(now - kAskAgain) >= kAskAgain) ask(now, out);
    const std::string why = why_of(answer);
    const Duration lasted = now - *preflight_unknown_since_;
    // The first answers are on their way: nothing to be told yet.
    if (!answer.is_bad && lasted < std::chrono::seconds{10}) return;
    hold({HoldReason::preflight, why}, now, out);
    if (was_preflight_paged_ || (!answer.is_bad && lasted < kUnknownMax)) return;
    was_preflight_paged_ = true;
    teller(now, out).notice(Notice::Kind::rollout_held, true,
                            record.status().candidate + " cannot begin: " + why);
    return;
  }
  if (const std::optional<Hold> due = hold_before(0, now)) return hold(*due, now, out);
  order_move(0, "preflight passed", now, out);
}

bool Rollout::answered(const PreflightDone& done, Instant now, Step& out) {
  RolloutRecord* record = running();
  if (record == nullptr || record->status().id != done.rollout) return false;
  preflight_ = done;
  if (record->status().is_driving) {
    // It may be held already by what was known before this answer: its reason is that of now.
    const PreflightAnswer answer = judge_preflight(facts(now));
    if (record->status().held == HoldReason::preflight && !answer.hindrances.empty())
      record->wait(why_of(answer), now);
    return true;
  }
  // An attached rollout is live already: what would be in the way of a rollback is told at once.
  const PreflightAnswer answer = judge_preflight({.candidate = record->status().candidate,
                                                  .baseline = record->status().baseline,
                                                  .is_driving = false,
                                                  .was_rolled_away = false,
                                                  .last_good = std::nullopt,
                                                  .serving = "",
                                                  .baseline_unknown = std::nullopt,
                                                  .unmet = {},
                                                  .sentences = {},
                                                  .is_asked = true,
                                                  .answered = done});
  if (answer.hindrances.empty()) return true;
  Notice& notice = teller(now, out).notice(
      Notice::Kind::rollout_held, answer.is_bad && record->status().mode == Mode::enforce,
      "a rollback of " + record->status().candidate + " may not be possible");
  notice.details = answer.hindrances;
  record->note("a rollback may not be possible: " + answer.hindrances.front(), now);
  return true;
}

std::optional<Rollout::Wanted> Rollout::wanted() const {
  const RolloutRecord* record = running();
  if (record == nullptr || record->has_begun() || service_.plan.rollout.requirements.empty())
    return std::nullopt;
  return Wanted{.requirements = service_.plan.rollout.requirements,
                .commit = record->status().commit};
}

bool Rollout::meets(const Requirement& requirement, const std::string& commit, Instant now) const {
  if (service_.plan.environment != requirement.environment) return false;
  const std::optional<VersionHistory::Good> good = versions_.last_good(now);
  return good && std::any_of(records_.begin(), records_.end(), [&](const RolloutRecord& record) {
           const RolloutStatus& status = record.status();
           return record.state() == RolloutState::promoted && status.ended &&
                  now - *status.ended >= requirement.passed && good->version == status.candidate &&
                  (!requirement.is_same_commit || (!commit.empty() && status.commit == commit));
         });
}

}  // namespace belay::rules
