// From step to step: what holds a rollout, when a step passes, and what comes then.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"
#include "rules/judgement/rollout_words.h"
#include "rules/language/units.h"
#include "rules/rollout/nothing_done.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// Whether the hold's own beginning must reach somebody at night. A rule, a shared cause and a fail
/// page by themselves; what a person has asked for does not.
bool pages(HoldReason reason, bool is_of_judgement) {
  switch (reason) {
    case HoldReason::unknown:
    case HoldReason::too_few_samples:
    case HoldReason::candidate_silent:
    case HoldReason::traffic:
      return true;
    case HoldReason::rule:
    case HoldReason::shared_cause:
      return is_of_judgement;
    default:
      return false;
  }
}

/// Of a candidate without a request: what the logs name instead.
std::string words_of_unseen(const std::string& candidate,
                            const std::vector<VersionRequests>& recent) {
  std::string named;
  for (const VersionRequests& one : recent)
    if (one.requests > 0)
      named += (named.empty() ? "" : ", ") +
               (one.version.empty() ? "no version" : sanitize(one.version)) + " (" +
               std::to_string(one.requests) + ")";
  return "no request of " + sanitize(candidate) + " was seen in this step; those of the last 10m " +
         (named.empty() ? "were none at all" : "are of " + named);
}

}  // namespace

void Rollout::advance(Instant now, Step& out) {
  if (moving_ || records_.back().state() == RolloutState::pending) return;
  if (records_.back().has_begun()) {
    check_step(now, out);
  } else {
    check_preflight(now, out);
  }
}

std::optional<Rollout::Hold> Rollout::hold_before(std::size_t step, Instant now) const {
  const RolloutRecord& record = records_.back();
  const RolloutStep& next = record.status().steps[step];
  if (next.after_approval && !record.is_approved())
    return Hold{HoldReason::approval, decimal_text(next.percent) + "% comes after approval"};
  if (!record.status().is_driving) return std::nullopt;
  if (train_stopped_ && !record.is_approved())
    return Hold{HoldReason::train, "its train has stopped: " + *train_stopped_};
  const std::optional<std::string> freeze = frozen(service_.plan.rollout, now);
  if (freeze && !record.is_approved()) return Hold{HoldReason::freeze, *freeze};
  // What nobody may override by an approval: a brake, and two calls at once.
  if (const std::optional<Hold> hold = why_no_traffic(record, now)) return hold;
  if (step > 0 || record.is_approved() || record.status().is_irreversible) return std::nullopt;
  if (const std::optional<std::string> why = book_.why_not_yet(service_.plan, now))
    return Hold{HoldReason::preflight, "it could not be taken back yet: " + *why};
  return std::nullopt;
}

std::optional<Rollout::Hold> Rollout::hold_due() const {
  if (records_.back().is_paused()) return Hold{HoldReason::paused, "an operator has paused it"};
  if (irreversible_) return Hold{HoldReason::irreversible, *irreversible_};
  if (move_refused_) return Hold{HoldReason::traffic, *move_refused_};
  const auto holds = [this](const JudgedRule& rule) -> std::optional<Hold> {
    if (!rule.is_firing()) return std::nullopt;
    const auto ruling = rulings_.find(&rule.rule());
    if (ruling != rulings_.end() && ruling->second.is_held)
      return Hold{HoldReason::shared_cause, rule.rule().name +
                                                " fires, and the candidate cannot "
                                                "be blamed for it"};
    if (rule.rule().then.kind == Then::Kind::pause)
      return Hold{HoldReason::rule, rule.rule().name + " is firing"};
    return std::nullopt;
  };
  for (const JudgedRule& rule : gate_->rules())
    if (std::optional<Hold> hold = holds(rule)) return hold;
  for (const JudgedRule& rule : service_.always)
    if (std::optional<Hold> hold = holds(rule)) return hold;
  if (std::optional<Hold> hold = hold_by_guards()) return hold;
  if (!judgement_ || !judgement_->is_paused() || !pause_) return hold_by_requirements();
  HoldReason reason = HoldReason::rule;
  if (pause_->rule == RolloutRule::candidate_silent) reason = HoldReason::candidate_silent;
  if (pause_->is_shared_cause) reason = HoldReason::shared_cause;
  return Hold{reason, pause_->headline};
}

/// The last step may have no bake of its own. Then it asks for no evidence beside that of the steps
/// before it, and waits no shorter for what is not known; and whoever moved the traffic ahead of
/// the bake spares it none.
RolloutStep Rollout::step_to_pass() const {
  const RolloutStatus& status = records_.back().status();
  RolloutStep step = records_.back().step();
  if (step.bake > Duration::zero() || status.step == 0) return step;
  const RolloutStep& before = status.steps[status.step - 1];
  step.bake_max = std::max(step.bake_max, before.bake_max);
  if (has_skipped_) {
    step.bake = before.bake;
  } else {
    step.samples_min = 0;
  }
  return step;
}

StepEvidence Rollout::evidence(Instant now) const {
  const RolloutStatus& status = records_.back().status();
  // A step without a bake of its own asks for no window of its own; nor does a gate.
  const bool has_steps =
      !records_.back().ends_at_maximum() && step_to_pass().bake > Duration::zero();
  const Instant since =
      has_steps ? status.step_started + service_.plan.rollout.warm_up : gate_->started();
  // A gate ends at its maximum: what is too little for it by then stays too little.
  const std::uint64_t requests_min =
      records_.back().ends_at_maximum() ? records_.back().step().samples_min : 0;
  StepEvidence evidence{.since = status.step_started,
                        .requests = 0,
                        .errors = 0,
                        .rules = verdict(now, since, requests_min)};
  if (service_.evidence.paired != nullptr) {
    evidence.requests = service_.evidence.paired->total_in_step(Role::candidate);
    evidence.errors = service_.evidence.paired->errors_in_step(Role::candidate);
  }
  return evidence;
}

std::optional<Gate::Verdict> Rollout::doubt_by_default(bool is_alone, Instant since,
                                                       std::uint64_t requests_min,
                                                       Instant now) const {
  if (const auto trouble = service_.evidence.trouble_of(SourceKind::log, now))
    return Gate::Verdict{.unknown = trouble,
                         .why = "source " +
                                sanitize(service_.evidence.words_of_trouble(SourceKind::log, now)) +
                                ": nobody knows what it does not show"};
  if (const auto trouble = service_.evidence.trouble_of(SourceKind::probe, now))
    return Gate::Verdict{
        .unknown = trouble,
        .why = "probe " + sanitize(service_.evidence.words_of_trouble(SourceKind::probe, now)) +
               ": nobody knows its answer"};
  const Duration judged_min = std::min(step_to_pass().bake, kJudgedAfterWarmUp);
  if (now - since < judged_min)
    return Gate::Verdict{.unknown = UnknownKind::warming,
                         .why = "less than " + format_duration(judged_min) +
                                " of it were judged yet, after its warm-up"};
  for (const auto& [source, log] : service_.evidence.probes)
    if (!service_.evidence.source(source).is_retired() &&
        (log.answers.empty() || log.answers.back().at < gate_->started()))
      return Gate::Verdict{.unknown = UnknownKind::blind,
                           .why = "probe " +
                                  sanitize(service_.evidence.source(source).plan().name) +
                                  " has not answered since the rollout began"};
  if (const std::optional<std::string> hindrance = judgement_->hindrance())
    return Gate::Verdict{.why = *hindrance};
  if (const std::optional<std::string> doubt = judgement_->doubt_of_whole())
    return Gate::Verdict{.why = *doubt};
  // It looks at all of the bake, not at the end of it.
  const Duration baked = baked_of_step(now);
  if (!service_.evidence.is_covered(SourceKind::log, now, baked))
    return Gate::Verdict{.unknown = UnknownKind::blind,
                         .why = "the logs were not seen for more than a fifth of the last " +
                                format_duration(std::chrono::floor<std::chrono::seconds>(baked))};
  if (std::optional<Gate::Verdict> doubt = doubt_of_end(now)) return doubt;
  const std::uint64_t wanted = std::max<std::uint64_t>(requests_min, 1);
  const std::uint64_t requests = service_.evidence.paired->total_in_step(Role::candidate);
  const std::uint64_t errors = service_.evidence.paired->errors_in_step(Role::candidate);
  if (is_alone && requests < wanted)
    return Gate::Verdict{
        .unknown = UnknownKind::no_traffic,
        .why = requests == 0 ? words_of_unseen(gate_->candidate(), service_.recent_requests())
                             : words_of_few(requests, errors, wanted)};
  if (std::optional<std::string> doubt = judgement_->doubt_of_latency())
    return Gate::Verdict{.unknown = UnknownKind::no_latency, .why = *std::move(doubt)};
  return std::nullopt;
}

Duration Rollout::baked_of_step(Instant now) const {
  return std::min(now - records_.back().status().step_started, step_to_pass().bake);
}

std::optional<double> Rollout::share_of_step() const {
  std::optional<double> percent = live_percent();
  if (records_.back().status().is_driving)
    percent = std::min(records_.back().step().percent, percent.value_or(100));
  return percent ? std::optional(*percent / 100) : std::nullopt;
}

std::optional<Gate::Verdict> Rollout::doubt_of_end(Instant now) const {
  const EndOfBake::Bake bake{.baked = baked_of_step(now),
                             .since_step = now - records_.back().status().step_started,
                             .share = share_of_step()};
  return end_of_bake_->doubt(bake, now);
}

void Rollout::tell_half_missing(Instant now, Step& out) {
  if (!end_of_bake_) return;
  const std::string missing = end_of_bake_->take_half_missing(share_of_step());
  if (missing.empty()) return;
  RolloutRecord& record = records_.back();
  const std::string words = "beware: " + missing;
  record.note(words, now);
  teller(now, out)
      .notice(Notice::Kind::rollout_moved, false,
              sanitize(record.status().candidate) + ": " + words)
      .severity = Severity::warning;
}

bool Rollout::is_judged_by_requests() const {
  const auto reads_requests = [](const JudgedRule& one) {
    return counts_for_verdict(one.rule()) && !may_lack_versions(one.rule().sentence.when);
  };
  return std::ranges::any_of(gate_->rules(), reads_requests) ||
         std::ranges::any_of(service_.always, reads_requests);
}

Gate::Verdict Rollout::verdict(Instant now, Instant since, std::uint64_t requests_min) const {
  Gate::Verdict verdict = verdict_by_own(now, since, requests_min);
  add_uncounted(verdict, now);
  add_guards(verdict, now, since);
  if (const std::optional<Hold> unmet = hold_by_requirements())
    Gate::add(verdict, {.why = unmet->why});
  return verdict;
}

Gate::Verdict Rollout::verdict_by_own(Instant now, Instant since,
                                      std::uint64_t requests_min) const {
  Gate::Verdict verdict = gate_->verdict(service_.always, now, since);
  if (verdict.outcome == Outcome::pass)
    if (std::optional<std::string> doubt = doubt_of_presence())
      Gate::add(verdict, {.unknown = UnknownKind::no_traffic, .why = *std::move(doubt)});
  if (!judgement_) {
    if (verdict.outcome == Outcome::pass && is_judged_by_requests())
      if (const std::optional<Gate::Verdict> doubt = doubt_of_end(now)) Gate::add(verdict, *doubt);
    return verdict;
  }
  const bool is_alone = verdict.has_no_rules;
  if (is_alone)
    verdict = {.outcome = Outcome::pass, .why = "the default judgement finds nothing against it"};
  const std::optional<Gate::Verdict> doubt = doubt_by_default(is_alone, since, requests_min, now);
  if (!doubt) return verdict;
  verdict.why = verdict.outcome == Outcome::pass ? doubt->why : verdict.why + "; " + doubt->why;
  verdict.outcome = Outcome::unknown;
  if (doubt->unknown)
    verdict.unknown = std::min(*doubt->unknown, verdict.unknown.value_or(*doubt->unknown));
  return verdict;
}

void Rollout::check_step(Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  std::optional<Hold> due = hold_due();
  const RolloutStep step = step_to_pass();
  StepAnswer answer = judge_step(step, evidence(now), now);
  if (due) {
    answer = {.kind = now - record.status().step_started >= step.bake_max
                          ? StepAnswer::Kind::overdue
                          : StepAnswer::Kind::bakes,
              .reason = due->reason,
              .why = due->why};
  }
  const bool waits_for_person =
      due && (due->reason == HoldReason::paused || due->reason == HoldReason::approval);
  if (answer.kind == StepAnswer::Kind::overdue && record.ends_at_maximum() && !waits_for_person) {
    if (!end_of_bake_->may_pause(now) || !doubt_of_end(now)) end_at_maximum(answer, now, out);
    return;
  }
  if (answer.kind == StepAnswer::Kind::passes && !record.is_last_step())
    due = hold_before(record.status().step + 1, now);
  if (answer.kind == StepAnswer::Kind::passes && !due) {
    pass_step(answer.why, now, out);
    return;
  }
  if (answer.kind == StepAnswer::Kind::overdue && !due)
    due = Hold{answer.reason, "the step's hard maximum of " + format_duration(step.bake_max) +
                                  " is over, and " + answer.why};
  if (due) {
    hold(*due, now, out);
  } else if (record.state() == RolloutState::held) {
    go_on("nothing holds it any more", now, out);
  }
}

void Rollout::end_at_maximum(const StepAnswer& answer, Instant now, Step& out) {
  const std::string nothing(kNothingDone);
  if (irreversible_) {
    end(RolloutState::failed, *irreversible_, now, out);
    records_.back().note(nothing + "it is irreversible: a person must decide", now);
    return;
  }
  Gate::Verdict verdict = gate_->verdict(service_.always, now, gate_->started());
  add_guards(verdict, now, gate_->started());
  if (verdict.failed_by_unknown != nullptr) {
    const Rule& rule = *verdict.failed_by_unknown;
    teller(now, out).not_acted(rule, "the gate fails because " + rule.name + " could not be judged",
                               "`else fail` fails the rollout without an action", {}, "");
    end(RolloutState::failed, verdict.why + "; " + rule.name + " says `else fail`", now, out);
    records_.back().note(nothing + "`else fail` fails the rollout without an action", now);
    tell_ways_on(records_.back().status(), now, out);
    return;
  }
  end(RolloutState::inconclusive, answer.why, now, out);
}

void Rollout::hold(const Hold& hold, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  if (record.state() == RolloutState::held && record.status().held == hold.reason) {
    const bool is_attached = !record.status().is_driving;
    if (hold.reason == HoldReason::freeze || (hold.reason == HoldReason::preflight && is_attached))
      record.wait(hold.why, now);
    return;
  }
  record.hold(hold.reason, hold.why, now, out);
  bool is_page = pages(hold.reason, pause_.has_value());
  // Driving, nothing has moved yet, and check_preflight() pages when it is time.
  if (hold.reason == HoldReason::preflight && !record.status().is_driving &&
      record.status().mode == Mode::enforce)
    is_page = !std::exchange(preflight_.was_paged, true);
  Notice& notice =
      teller(now, out).notice(Notice::Kind::rollout_held, is_page,
                              record.status().candidate + " is held (" +
                                  std::string(name_of(hold.reason)) + "): " + hold.why);
  if (is_page && record.has_begun() && record.status().mode == Mode::enforce &&
      !record.status().baseline.empty())
    notice.details.push_back("to take it back: belay rollout rollback " + record.status().id);
  if (pause_ && (hold.reason == HoldReason::rule || hold.reason == HoldReason::shared_cause ||
                 hold.reason == HoldReason::candidate_silent))
    notice.details.insert(notice.details.end(), pause_->details.begin(), pause_->details.end());
}

void Rollout::go_on(const std::string& why, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  record.move(RolloutState::baking, why, now, out);
  teller(now, out).notice(Notice::Kind::rollout_moved, false,
                          record.status().candidate + " goes on: " + why);
}

void Rollout::pass_step(const std::string& why, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  tell_half_missing(now, out);
  if (record.is_last_step()) return end(RolloutState::promoted, why, now, out);
  const std::size_t next = record.status().step + 1;
  if (record.status().is_driving) return order_move(next, why, now, out);
  const double wanted = record.status().steps[next].percent;
  const std::optional<double> live = live_percent();
  if (!live || *live + 0.01 >= wanted) return begin_step(next, why, now, out);
  if (record.state() == RolloutState::held) go_on("nothing holds it any more", now, out);
  if (passed_) return;
  passed_ = decimal_text(record.step().percent) + "% passed (" + why + "); it waits until the " +
            "platform gives it " + decimal_text(wanted) + "%";
  record.note(*passed_, now);
  teller(now, out).notice(Notice::Kind::rollout_moved, false,
                          record.status().candidate + ": " + *passed_);
}

void Rollout::begin_step(std::size_t step, const std::string& why, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const bool is_first = !gate_;
  if (is_first) open_gate(record.status().id, now);
  passed_.reset();
  has_skipped_ = false;
  record.begin_step(step, why, now, out);
  const std::optional<double> percent =
      record.status().is_driving ? std::optional(record.step().percent) : live_percent();
  if (judgement_) {
    judgement_->begin_step(now, percent ? std::optional(*percent / 100) : std::nullopt);
  } else if (service_.evidence.paired != nullptr) {
    service_.evidence.paired->begin_step(now);
  }
  if (service_.evidence.paired != nullptr)
    service_.evidence.paired->misnamed().begin(now + service_.plan.rollout.warm_up);
  if (end_of_bake_) end_of_bake_->begin_step(now);
  Notice& notice =
      teller(now, out).notice(Notice::Kind::rollout_moved, false,
                              record.status().candidate + ": step " + std::to_string(step + 1) +
                                  " of " + std::to_string(record.status().steps.size()) + ", " +
                                  decimal_text(record.step().percent) + "% (" + why + ")");
  // Attached, the gate was open before, and its start has told it.
  if (is_first) notice.details = bad_already();
}

}  // namespace belay::rules
