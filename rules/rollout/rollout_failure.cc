// What is done about a rollout that fails, and about rules that act outside one.

#include <algorithm>
#include <functional>
#include <utility>

#include "base/sanitize.h"
#include "rules/judgement/default_rules.h"
#include "rules/judgement/guarded_rules.h"
#include "rules/language/rule_check.h"
#include "rules/rollout/nothing_done.h"
#include "rules/rollout/restored_baseline.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

constexpr std::size_t kReasonBytesMax = 200;

/// `command`: empty where there is none.
void add_by_hand(const Ladder::Cause& cause, const std::string& command,
                 std::vector<std::string>& lines) {
  if (!command.empty() && rolls_back(cause.rungs)) lines.push_back(words_of_by_hand(command));
}

/// The share of bad requests that the rule itself does not allow; nothing of one that asks for more
/// than the baseline has.
std::optional<double> limit_of(RolloutRule rule, const RolloutLimits& limits) {
  switch (rule) {
    case RolloutRule::broken:
      return kBrokenShare;
    case RolloutRule::clear:
      return kClearShare;
    case RolloutRule::errors:
      return limits.error_rate;
    default:
      return std::nullopt;
  }
}

/// How the candidate's probes fail, or those that name no version, for people.
std::string words_of_newest_failure(const ServiceEvidence& evidence) {
  const ProbeLog::Answer* newest = nullptr;
  for (const auto& [source, log] : evidence.probes)
    for (const ProbeLog::Answer& answer : log.answers)
      if (answer.failure != ProbeFailure::none &&
          (answer.version == evidence.paired->candidate() || answer.version == kNoName) &&
          (newest == nullptr || answer.at >= newest->at))
        newest = &answer;
  return newest == nullptr ? "" : "; the newest failure: " + newest->words_of_failure();
}

Evidence evidence_of(const RolloutAnswer& answer, const RolloutLimits& limits) {
  const PairCounts::Of& candidate = answer.numbers.counts[Role::candidate];
  Evidence evidence;
  evidence.what =
      answer.numbers.compared == Compared::errors ? "candidate error rate" : "candidate slow rate";
  evidence.dimension = Dimension::share;
  evidence.numerator = candidate.bad;
  evidence.denominator = candidate.total;
  evidence.has_value = candidate.total > 0;
  if (evidence.has_value)
    evidence.value = static_cast<double>(candidate.bad) / static_cast<double>(candidate.total);
  const PairCounts::Of& baseline = answer.numbers.counts[Role::baseline];
  if (const std::optional<double> limit = limit_of(answer.rule, limits)) {
    evidence.threshold = *limit;
  } else if (baseline.total > 0) {
    evidence.threshold = answer.numbers.margin * static_cast<double>(baseline.bad) /
                         static_cast<double>(baseline.total);
  }
  evidence.window = answer.numbers.window;
  evidence.truth = Truth::bad;
  evidence.of_events = true;
  evidence.note = answer.headline;
  return evidence;
}

RuleStatus status_of(const Rule& rule, const RolloutAnswer& answer, const RolloutLimits& limits,
                     Instant since, const std::string& service) {
  RuleStatus status;
  status.service = service;
  status.rule = rule.name;
  status.sentence = text_of(default_rules(limits)[static_cast<std::size_t>(answer.rule)]);
  status.then = {.kind = Then::Kind::rollback};
  status.truth = Truth::bad;
  status.firing = true;
  status.bad_since = since;
  status.firing_since = answer.at;
  status.evidence = {evidence_of(answer, limits)};
  return status;
}

const Rule& rule_of(const RolloutAnswer& answer, const std::vector<Rule>& defaults) {
  if (answer.rule == RolloutRule::probes)
    for (const Rule& rule : defaults)
      if (rule.name == default_name_of_probe(answer.about)) return rule;
  return defaults[static_cast<std::size_t>(answer.rule)];
}

}  // namespace

std::string Rollout::cut(std::string text) {
  if (text.size() <= kReasonBytesMax) return text;
  std::size_t end = kReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

std::vector<Then> Rollout::rungs_of(const Then& then) const {
  if (then.kind != Then::Kind::rollback || service_.plan.on_fail.empty()) return {then};
  return service_.plan.on_fail;
}

Ladder::Cause Rollout::cause_in(const RolloutStatus& status) {
  Ladder::Cause cause;
  cause.reason = cut(status.why);
  cause.candidate = status.candidate;
  cause.baseline = status.baseline;
  cause.rollout = status.id;
  cause.began = status.started;
  return cause;
}

std::vector<const Rule*> Rollout::rules_that_count() const {
  std::vector<const Rule*> found;
  for (const std::vector<Rule>* rules : {&service_.plan.rollout_rules, &service_.plan.rules})
    for (const Rule& rule : *rules)
      if (counts_for_verdict(rule)) found.push_back(&rule);
  return found;
}

Ladder::Cause Rollout::cause_of(const std::string& rule, const RolloutStatus& status) const {
  if (rule == kByHand) return cause_by_hand(status);
  Ladder::Cause cause = cause_in(status);
  const ServicePlan& plan = service_.plan;
  for (const auto& rules :
       {std::cref(plan.rollout_rules), std::cref(plan.rules), std::cref(default_rules_)})
    for (const Rule& one : rules.get())
      if (one.name == rule && cause.rule == nullptr) cause.rule = &one;
  // Of a probe that is gone.
  if (cause.rule == nullptr && rule.starts_with(default_name_of_probe("")))
    cause.rule = &default_rules_[static_cast<std::size_t>(RolloutRule::probes)];
  if (cause.rule == nullptr) return cause;
  cause.watching = {cause.rule};
  ask_errors_beside(cause);
  cause.rungs = rungs_of(cause.rule->then);
  return cause;
}

void Rollout::fail_by(const JudgedRule& rule, Instant now, Step& out) {
  Ladder::Cause cause = cause_in(records_.back().status());
  cause.rule = &rule.rule();
  cause.watching = {&rule.rule()};
  cause.rungs = rungs_of(rule.rule().then);
  cause.evidence = rule.status().evidence;
  cause.since = rule.status().bad_since.value_or(now);
  const std::string headline = rule.rule().name + ": " + gist_of(cause.evidence);
  cause.reason = cut(headline);
  add_firing(cause);
  ask_errors_beside(cause);
  fail(std::move(cause), {.headline = headline, .details = {}, .numbers = std::nullopt}, now, out);
}

/// What fires besides the cause must be fine as well before it is called recovered.
void Rollout::add_firing(Ladder::Cause& cause) const {
  const auto add = [&cause](const JudgedRule& rule) {
    if (rule.is_firing() && &rule.rule() != cause.watching.front() &&
        counts_for_verdict(rule.rule()) && !rule.status().was_bad_before)
      cause.watching.push_back(&rule.rule());
  };
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) add(rule);
  for (const JudgedRule& rule : service_.always) add(rule);
}

void Rollout::ask_errors_beside(Ladder::Cause& cause) const {
  const RolloutRecord* record = record_of(cause.rollout);
  if (record == nullptr) return;
  const std::optional<RolloutNumbers>& numbers = record->status().comparison;
  PairCounts counts;
  if (numbers) counts = numbers->since_start;
  if (record == running() && service_.evidence.paired != nullptr)
    counts = service_.evidence.paired->since_start();
  cause.beside = errors_beside(cause.watching, default_rules_, record->before(), counts,
                               service_.plan.rollout);
}

void Rollout::respond(const JudgedRule& rule, Instant now, Step& out) {
  if (service_.plan.mode == Mode::observe) return;
  Ladder::Cause cause;
  cause.rule = &rule.rule();
  cause.evidence = rule.status().evidence;
  cause.reason = cut(rule.rule().name + ": " + gist_of(cause.evidence));
  cause.watching = {&rule.rule()};
  cause.rungs = rungs_of(rule.rule().then);
  add_firing(cause);
  if (service_.plan.mode == Mode::recommend) {
    teller(now, out).would_act(rule.rule(), cause.evidence, cause.rungs,
                               {"mode recommend: nothing is done"});
    return;
  }
  ladder_.begin(std::move(cause), now, out);
}

std::optional<std::string> Rollout::why_below_enforce(Mode mode, const std::string& does) {
  if (mode == Mode::enforce) return std::nullopt;
  return "its mode is " + std::string(name_of(mode)) + " now, and only enforce " + does;
}

std::optional<std::string> Rollout::why_never_acts(const std::string& rollout) const {
  const RolloutRecord* record = rollout.empty() ? nullptr : record_of(rollout);
  return why_below_enforce(record == nullptr ? service_.plan.mode : record->status().mode, "acts");
}

std::optional<std::string> Rollout::climb(RolloutRecord& record, Ladder::Cause cause, Instant now,
                                          Step& out) {
  const RolloutStatus& status = record.status();
  // Not of the one that runs: that may be a newer one.
  Teller tell(out, service_.plan.name, status.candidate, status.baseline, now, status.id);
  if (std::optional<std::string> why = why_never_acts(status.id)) {
    if (status.mode == Mode::recommend) {
      std::vector<std::string> lines = {*why + ": nothing is done, and a person must decide"};
      add_by_hand(cause, by_hand(status, now), lines);
      tell.would_act(*cause.rule, cause.evidence, cause.rungs, lines);
    } else {
      tell.not_acted(*cause.rule, "did not " + words_of(cause.rungs) + ", although it has failed",
                     *why + ": a person must decide", cause.evidence, "");
    }
    return why;
  }
  make_way(now, out);
  if (std::optional<std::string> done = why_done_already(status)) {
    tell.not_acted(*cause.rule, "did not " + words_of(cause.rungs) + ": " + *done, *done,
                   cause.evidence, "");
    return done;
  }
  if (const std::optional<std::string> why = why_waits()) {
    // Whoever moves the traffic knows that the rollback follows.
    if (!moving_)
      tell.not_acted(*cause.rule, "waits before it can " + words_of(cause.rungs) + ": " + *why,
                     *why, cause.evidence, "");
    waiting_.push_back(std::move(cause));
    return std::nullopt;
  }
  cause.beware = beware_unseen(status, now);
  if (&record == &records_.back()) cause.share = share_of_step();
  if (std::optional<std::string> refused = ladder_.begin(std::move(cause), now, out))
    return refused;
  record.add_intent(out.orders.back().intent);
  return std::nullopt;
}

void Rollout::fail(Ladder::Cause cause, Finding finding, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  record.blame(Ladder::name_of_rule(cause));
  if (cause.since) record.failing_since(*cause.since);
  if (status.is_irreversible) {
    if (!irreversible_)
      teller(now, out).not_acted(*cause.rule, "it fails, and is irreversible: " + finding.headline,
                                 "irreversible: nothing is rolled back; a person must decide",
                                 cause.evidence, "");
    irreversible_ = finding.headline;
    return;
  }
  record.compare(finding.numbers ? std::move(finding.numbers) : numbers(now));
  std::optional<std::string> undone = "mode " + std::string(name_of(status.mode));
  if (status.mode == Mode::recommend) {
    std::vector<std::string> lines = {
        "mode recommend: nothing is done",
        "candidate " + status.candidate + ", baseline " +
            (status.baseline.empty() ? "not known" : status.baseline)};
    lines.insert(lines.end(), finding.details.begin(), finding.details.end());
    add_by_hand(cause, by_hand(status, now), lines);
    teller(now, out).would_act(*cause.rule, cause.evidence, cause.rungs, lines);
  } else if (status.mode == Mode::enforce) {
    undone = climb(record, std::move(cause), now, out);
  }
  end(undone ? RolloutState::failed : RolloutState::rolling_back, finding.headline, now, out);
  if (!undone) return;
  record.note(std::string(kNothingDone) + *undone, now);
  if (status.mode == Mode::enforce) tell_ways_on(status, now, out);
}

void Rollout::fail_by_default(const RolloutAnswer& answer, Instant now, Step& out) {
  const Rule& rule = rule_of(answer, default_rules_);
  Ladder::Cause cause = cause_in(records_.back().status());
  cause.rule = &rule;
  cause.watching = {&rule};
  cause.rungs = rungs_of(rule.then);
  cause.evidence = {evidence_of(answer, service_.plan.rollout.limits)};
  cause.since = now - answer.numbers.window;
  cause.reason = cut(sanitize(answer.headline));
  convicted_by_ =
      status_of(rule, answer, service_.plan.rollout.limits, *cause.since, service_.plan.name);
  add_firing(cause);
  ask_errors_beside(cause);
  Notice& fired = teller(now, out).notice(Notice::Kind::fired, true, sanitize(answer.headline));
  fired.rule = rule.name;
  fired.evidence = cause.evidence;
  for (const std::string& line : answer.details) fired.details.push_back(sanitize(line));
  fail(
      std::move(cause),
      {.headline = sanitize(answer.headline), .details = answer.details, .numbers = answer.numbers},
      now, out);
}

void Rollout::answer(Instant now, Step& out) {
  const bool is_blind = service_.evidence.trouble_of(SourceKind::log, now).has_value();
  std::optional<RolloutAnswer> said = judgement_->judge(now, is_blind, *service_.evidence.names);
  if (!said) return;
  if (said->rule == RolloutRule::probes && said->kind != RolloutAnswer::Kind::resume)
    said->headline += words_of_newest_failure(service_.evidence);
  out.answers.push_back({.service = service_.plan.name, .answer = *said});
  switch (said->kind) {
    case RolloutAnswer::Kind::warn: {
      Notice& notice =
          teller(now, out).notice(Notice::Kind::fired, false,
                                  "a warning, too little to act on: " + sanitize(said->headline));
      notice.rule = default_name(said->rule);
      notice.severity = Severity::warning;
      for (const std::string& line : said->details) notice.details.push_back(sanitize(line));
      break;
    }
    case RolloutAnswer::Kind::pause:
      pause_ = said;
      break;
    case RolloutAnswer::Kind::resume:
      if (!judgement_->is_paused()) pause_.reset();
      break;
    case RolloutAnswer::Kind::rollback:
      fail_by_default(*said, now, out);
      break;
  }
}

void Rollout::outcome(const ActionOutcome& outcome, Instant now, Step& out) {
  if (!book_.is_open(outcome.intent)) return;  // Phases only go forward.
  if (moving_ && moving_->intent == outcome.intent) {
    moved(outcome, now, out);
  } else {
    const std::string target = book_.target_of(outcome.intent);
    if (!target.empty() && was_done(outcome.phase)) versions_.put_back(target, now);
    ladder_.outcome(outcome, now, out);
  }
  take_turns(now, out);
  take_up_waiting(now, out);
}

}  // namespace belay::rules
