// What is asked before the first step, of the service itself, the world and other services.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/sanitize.h"
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

std::string joined(const std::vector<std::string>& hindrances) {
  std::string why;
  for (const std::string& hindrance : hindrances) why += (why.empty() ? "" : "; ") + hindrance;
  return why;
}

/// An attached rollout is live already: only what the world says counts.
PreflightAnswer answer_to(const RolloutStatus& attached, PreflightDone done) {
  return judge_preflight({.candidate = attached.candidate,
                          .baseline = attached.baseline,
                          .last_good = std::nullopt,
                          .serving = "",
                          .baseline_unknown = std::nullopt,
                          .unmet = {},
                          .sentences = {},
                          .is_asked = true,
                          .answered = std::move(done)});
}

}  // namespace

void Rollout::ask(Instant now, Step& out) {
  const RolloutStatus& status = records_.back().status();
  preflight_.asked_at = now;
  out.preflight.push_back({.rollout = status.id,
                           .service = status.service,
                           .candidate = status.candidate,
                           .baseline = status.baseline,
                           .is_driving = status.is_driving,
                           .commit = status.commit});
}

namespace {

/// That has nearly all of what the candidate has not, by the log; empty if none has.
std::string version_that_serves(const Service& service, const std::string& candidate) {
  constexpr std::uint64_t kRequestsMin = 20;
  const TrafficSlice others =
      beside(service.recent_requests(std::chrono::seconds{30}, Duration::zero()), candidate);
  const std::uint64_t all = sum_of(others);
  const VersionRequests* most = most_requests(others);
  return all >= kRequestsMin && 10 * most->requests >= 9 * all ? most->version : std::string();
}

}  // namespace

PreflightFacts Rollout::facts(Instant now) const {
  const RolloutStatus& status = records_.back().status();
  const std::optional<Deployment>& live = log_.live(traffic_.reading());
  const std::optional<VersionHistory::Good> good = versions_.last_good(now);
  // It was chosen because it serves all the same, or named.
  const bool serves_on = versions_.is_suspect() && status.baseline == versions_.promoted_last();
  PreflightFacts facts{
      .candidate = status.candidate,
      .baseline = status.baseline,
      .is_driving = status.is_driving,
      .was_rolled_away = book_.was_rolled_away(status.service, status.baseline),
      .failed = serves_on ? std::nullopt : versions_.failure_of(status.baseline, now),
      .last_good = good ? std::optional(good->version) : std::nullopt,
      .serving = choose_baseline(status.candidate, "", live, service_.recent_requests()).version,
      .baseline_unknown = std::nullopt,
      .unmet = preflight_.unmet,
      .sentences = {},
      .is_asked = service_.plan.rollout.asks_preflight,
      .answered = preflight_.answered};
  if (live && is_live_current(now)) {
    if (const std::string most = largest_other(*live, status.candidate); most != status.baseline)
      facts.serving_failed = versions_.failure_of(most, now);
  } else if (const std::string most = version_that_serves(service_, status.candidate);
             !most.empty() && most != status.baseline) {
    facts.serving_failed =
        versions_.failure_of(most, now).value_or(sanitize(most) + " is not the baseline");
  }
  for (const std::vector<JudgedRule>* rules : {&service_.before, &service_.always})
    for (const JudgedRule& rule : *rules)
      if (counts_for_verdict(rule.rule()) && rule.status().unknown &&
          hides_health(*rule.status().unknown) && !mentions_baseline(rule.rule().sentence.when))
        facts.baseline_unknown = rule.rule().name + " is " + name_of(*rule.status().unknown);
  for (const JudgedRule& rule : service_.preflight)
    facts.sentences.push_back({.name = rule.rule().name,
                               .result = rule.status().truth,
                               .detail = gist_of(rule.status().evidence)});
  if (!service_.plan.rollout.is_judged_by_default) return facts;
  for (const auto& [source, log] : service_.evidence.probes)
    if (std::optional<std::string> failure = log.failure_in_row())
      facts.sentences.push_back({.name = "probe " + service_.evidence.source(source).plan().name,
                                 .result = Truth::bad,
                                 .detail = *std::move(failure)});
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
    if (!preflight_.hindered_since) preflight_.hindered_since = now;
    if (known.is_asked && now - preflight_.asked_at.value_or(now - kAskAgain) >= kAskAgain)
      ask(now, out);
    const std::string why = joined(answer.hindrances);
    const Duration lasted = now - *preflight_.hindered_since;
    // The first answers are on their way: nothing to be told yet.
    if (!answer.is_bad && lasted < std::chrono::seconds{10}) return;
    hold({HoldReason::preflight, why}, now, out);
    if (preflight_.was_paged || (!answer.is_bad && lasted < kUnknownMax)) return;
    preflight_.was_paged = true;
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
  preflight_.answered = done;
  if (!record->status().is_driving) {
    tell_hindrances(done, now, out);
    return true;
  }
  // It may be held already by what was known before this answer: its reason is that of now.
  const PreflightAnswer answer = judge_preflight(facts(now));
  if (record->status().held == HoldReason::preflight && !answer.hindrances.empty())
    record->wait(joined(answer.hindrances), now);
  return true;
}

/// What would be in the way of a rollback is told at once, and not again with each try.
void Rollout::tell_hindrances(const PreflightDone& done, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const PreflightAnswer answer = answer_to(record.status(), done);
  PreflightDone without_details = done;
  for (PreflightDone::Check& check : without_details.checks) check.detail.clear();
  bool is_new = false;
  for (const std::string& hindrance : answer_to(record.status(), without_details).hindrances)
    is_new = preflight_.told.insert(hindrance).second || is_new;
  if (is_new) {
    Notice& notice = teller(now, out).notice(
        Notice::Kind::rollout_held, answer.is_bad && record.status().mode == Mode::enforce,
        "a rollback of " + record.status().candidate + " may not be possible");
    notice.details = answer.hindrances;
    record.note("a rollback may not be possible: " + answer.hindrances.front(), now);
  } else if (answer.hindrances.empty() && !preflight_.told.empty()) {
    preflight_.told.clear();
    const std::string words = "nothing is in the way of a rollback any more";
    record.note(words, now);
    teller(now, out).notice(Notice::Kind::rollout_moved, false,
                            record.status().candidate + ": " + words);
  }
}

/// Where somebody else moves the traffic it has some already; but it does not pass.
std::optional<Rollout::Hold> Rollout::hold_by_requirements() const {
  if (records_.back().status().is_driving || preflight_.is_waived || preflight_.unmet.empty())
    return std::nullopt;
  return Hold{HoldReason::preflight, joined(preflight_.unmet)};
}

std::optional<Rollout::Wanted> Rollout::wanted() const {
  const RolloutRecord* record = running();
  const bool is_over = record == nullptr || (record->status().is_driving && record->has_begun());
  if (is_over || service_.plan.rollout.requirements.empty()) return std::nullopt;
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
