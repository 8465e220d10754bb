#include "rules/rollout/rollout.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/rollout/journal_text.h"

namespace belay::rules {
namespace {

/// How long the rules of a gate that is over are shown.
constexpr Duration kShownAfterwards = std::chrono::minutes{1};

bool is_action(const Then& then) {
  return then.kind == Then::Kind::rollback || then.kind == Then::Kind::reset_flag ||
         then.kind == Then::Kind::run;
}

}  // namespace

Rollout::Rollout(Service& service, NameTable& names, ActionBook& book, Instant start)
    : service_(service), names_(names), book_(book), start_(start) {
  for (const Remembered::Action& action : book.actions()) {
    if (action.service != service.plan.name) continue;
    if (action.is_open && action.order) resume(*action.order);
    actions_.push_back(
        {.intent = action.intent,
         .kind = action.order ? kind_of(*action.order) : (action.target.empty() ? "" : "rollback"),
         .rule = action.order ? action.order->rule : "",
         .target = action.target,
         .at = action.at,
         .phase = action.phase,
         .verified = std::nullopt});
  }
}

Teller Rollout::teller(Instant now, Step& out) const {
  return {out, service_.plan.name, gate_ ? gate_->candidate() : "", gate_ ? gate_->baseline() : "",
          now};
}

std::vector<NameId> Rollout::spared() const {
  std::vector<NameId> names;
  if (!gate_) return names;
  names.push_back(gate_->binding().unscoped.version);
  if (gate_->binding().baseline) names.push_back(gate_->binding().baseline->version);
  return names;
}

std::optional<std::string> Rollout::why_busy() const {
  if (gate_) return "is in a gate";
  if (watch_) return "is watched after an action";
  if (attempt_ || book_.open_intent(service_.plan.name)) return "has an action on its way";
  return std::nullopt;
}

void Rollout::adopt(ServicePlan next, Instant now) {
  std::map<std::string, Ruling> decided;
  for (const JudgedRule& rule : service_.always) {
    const auto found = rulings_.find(&rule.rule());
    if (found != rulings_.end()) decided.emplace(rule.rule().name, found->second);
    unknown_.forget(rule.rule().name);
  }
  rulings_.clear();
  service_.adopt(std::move(next), now);
  for (const JudgedRule& rule : service_.always) {
    const auto found = decided.find(rule.rule().name);
    if (rule.is_firing() && found != decided.end()) rulings_[&rule.rule()] = found->second;
  }
  release_windows();
}

void Rollout::release_windows() {
  WindowStore& windows = service_.evidence.windows;
  windows.begin_release();
  for (const JudgedRule& rule : service_.always) rule.keep(windows);
  for (const JudgedRule& rule : service_.before) rule.keep(windows);
  if (gate_) gate_->keep(windows);
  if (watch_)
    for (const JudgedRule& rule : watch_->rules) rule.keep(windows);
  windows.end_release();
  ++service_.epoch;
}

bool Rollout::may_start(const RolloutStarted& started, Instant now, Step& out) {
  std::string why;
  if (started.candidate.empty()) why = "no candidate was named";
  if (started.lasts <= Duration::zero()) why = "a gate needs a time to watch for";
  if (why.empty()) return true;
  Teller(out, service_.plan.name, started.candidate, started.baseline, now)
      .rollout_ended(Outcome::unknown, why, {});
  if (!gate_)
    ended_ = RolloutStatus{.service = service_.plan.name,
                           .candidate = started.candidate,
                           .baseline = started.baseline,
                           .mode = service_.plan.mode,
                           .state = RolloutState::inconclusive,
                           .why = why,
                           .started = now,
                           .step_started = now,
                           .ends = now,
                           .ended = now};
  return false;
}

void Rollout::start(const RolloutStarted& asked, Instant now, Step& out) {
  if (!may_start(asked, now, out) || (!asked.id.empty() && asked.id == id_)) return;
  if (gate_) end_gate(RolloutState::superseded, "another gate began", now, out);
  RolloutStarted started = asked;
  std::vector<std::string> details = {"mode: " + std::string(name_of(service_.plan.mode))};
  if (started.baseline == started.candidate) {
    started.baseline.clear();
    details.push_back("the baseline that was named is the candidate itself: there is no baseline");
  }
  gate_.emplace(started, now, service_, names_, start_);
  if (started.by_default_rules)
    judgement_.emplace(*service_.evidence.paired,
                       RolloutJudgement::Versions{started.candidate, started.baseline},
                       RolloutLimits{});
  id_ = asked.id;
  ended_.reset();
  ended_rules_.clear();
  unknown_.forget("");
  was_candidate_live_ = false;
  candidate_percent_.reset();
  const auto note = [&](const JudgedRule& rule) {
    if (rule.status().was_bad_before && counts_for_verdict(rule.rule()))
      details.push_back(rule.rule().name +
                        " is bad already: it will neither act nor fail the gate, unless it has "
                        "been fine first or becomes twice as bad");
    for (const Evidence& one : rule.status().evidence)
      if (!one.note.empty()) details.push_back(rule.rule().name + ": " + one.note);
  };
  for (const JudgedRule& rule : gate_->rules()) rulings_.erase(&rule.rule());
  for (const JudgedRule& rule : gate_->rules()) note(rule);
  for (const JudgedRule& rule : service_.always) note(rule);
  if (const std::optional<Instant> until = book_.disarmed_until(service_.plan.name, now))
    details.push_back("disarmed until " + format_utc(*until) + ": no action will be taken");
  ++service_.epoch;
  teller(now, out).rollout_started(started.lasts, details);
}

namespace {

Outcome outcome_of(RolloutState state) {
  if (state == RolloutState::promoted) return Outcome::pass;
  return state == RolloutState::failed || state == RolloutState::rolling_back ? Outcome::fail
                                                                              : Outcome::unknown;
}

}  // namespace

void Rollout::move_on(RolloutState state, Instant now) {
  if (!ended_ || !may_follow(ended_->state, state)) return;
  ended_->state = state;
  if (is_final(state)) ended_->ended = now;
}

void Rollout::end_gate(RolloutState state, const std::string& why, Instant now, Step& out) {
  const Outcome outcome = outcome_of(state);
  std::vector<std::string> lines;
  for (const JudgedRule& rule : gate_->rules())
    lines.push_back(rule.rule().name + ": " + gist_of(rule.status().evidence));
  teller(now, out).rollout_ended(outcome, why, lines);
  ended_ = status_of_gate(now);
  ended_->state = state;
  ended_->verdict = outcome;
  ended_->unknown.reset();
  ended_->why = why;
  ended_->ends = now;
  if (is_final(state)) ended_->ended = now;
  for (const JudgedRule& rule : gate_->rules()) ended_rules_.push_back(rule.status());
  for (JudgedRule& rule : service_.always) {
    rule.mark_bad_before(false);
    for (std::size_t i = 0; i < rule.status().evidence.size(); ++i) rule.note(i, "");
  }
  if (outcome == Outcome::pass) book_.pass(service_.plan.name, gate_->candidate());
  judgement_.reset();
  gate_.reset();
  service_.evidence.paired.reset();
  release_windows();
}

bool Rollout::command(const OperatorCommand& command, Instant now, Step& out) {
  if (id_.empty() || command.rollout != id_) return false;
  const bool aborts = gate_ && command.kind == OperatorCommand::Kind::abort;
  teller(now, out).commanded(command, aborts ? "done" : "a gate knows only `abort`, while it runs");
  if (aborts) end_gate(RolloutState::aborted, "aborted by " + command.by, now, out);
  return true;
}

void Rollout::deployed(const Deployment& deployment, Instant now, Step& out) {
  if (!gate_ || deployment.versions.empty()) return;
  const bool is_live = std::any_of(
      deployment.versions.begin(), deployment.versions.end(), [this](const auto& share) {
        return share.version == gate_->candidate() && share.percent > 0;
      });
  if (judgement_) follow_traffic(deployment);
  if (was_candidate_live_ && !is_live)
    end_gate(RolloutState::superseded, "superseded: someone took " + gate_->candidate() + " out",
             now, out);
  was_candidate_live_ = is_live;
}

void Rollout::follow_traffic(const Deployment& deployment) {
  double percent = 0;
  for (const Deployment::Share& share : deployment.versions)
    if (share.version == gate_->candidate()) percent += share.percent;
  if (percent == candidate_percent_) return;
  candidate_percent_ = percent;
  judgement_->begin_step(deployment.at, percent / 100);
}

void Rollout::answer(Instant now, Step& out) {
  const auto is_in_trouble = [&](std::uint32_t source) {
    return service_.evidence.source(source).trouble(now).has_value();
  };
  const std::vector<std::uint32_t>& logs = service_.evidence.of_kind(SourceKind::log);
  const bool is_blind = std::any_of(logs.begin(), logs.end(), is_in_trouble);
  if (auto answer = judgement_->judge(now, is_blind, *service_.evidence.names))
    out.answers.push_back({.service = service_.plan.name, .answer = std::move(*answer)});
}

std::string Rollout::consequence_of(const JudgedRule& rule) const {
  const Then& then = rule.rule().then;
  if (then.kind == Then::Kind::rollback && !gate_)
    return "outside a rollout there is nothing to roll back: this is only an alert";
  if (then.kind == Then::Kind::pause)
    return gate_ ? "the gate cannot pass while this fires" : "outside a rollout nothing is paused";
  if (is_action(then) && rule.status().was_bad_before)
    return "it was bad before the gate began: nothing is done about it unless it becomes twice as "
           "bad";
  if (is_action(then) && service_.plan.mode == Mode::observe)
    return "mode observe: nothing is done about it";
  return {};
}

void Rollout::judge_rule(JudgedRule& rule, Blame* blame, bool is_check, Instant now, Step& out) {
  const Hold::Change change =
      is_check ? rule.check(service_.evidence, now) : rule.glance(service_.evidence, now);
  if (blame != nullptr) blame->look(rule, service_.evidence, now, is_check);
  if (change == Hold::Change::fired) {
    teller(now, out).fired(rule, consequence_of(rule));
    rulings_[&rule.rule()] = Ruling{};
  } else if (change == Hold::Change::cleared) {
    teller(now, out).cleared(rule);
    rulings_.erase(&rule.rule());
  }
}

bool Rollout::is_held(const JudgedRule& rule, const Blame& blame, Ruling& ruling, Instant now,
                      Step& out) {
  const Blame::Fault fault = blame.fault();
  const bool is_held = fault != Blame::Fault::candidate;
  if (is_held && !ruling.is_held) {
    const std::string& name = rule.rule().name;
    std::vector<Evidence> evidence = rule.status().evidence;
    if (fault == Blame::Fault::shared) {
      for (Evidence& one : evidence) one.what = gate_->candidate() + " " + one.what;
      for (Evidence one : blame.baseline_evidence()) {
        one.what = gate_->baseline() + " " + one.what;
        evidence.push_back(std::move(one));
      }
      teller(now, out).not_acted(
          rule.rule(),
          "shared cause: " + name + " fires, but " + gate_->baseline() + " is as bad as " +
              gate_->candidate(),
          "both versions are bad at the same time, neither twice as bad as the other; holding, and "
          "going on when the baseline is fine",
          evidence, "");
    } else {
      teller(now, out).not_acted(
          rule.rule(),
          "cannot blame " + gate_->candidate() + ": " + name +
              " fires by evidence without a version, and was never seen fine",
          "it may have been bad before the gate began; holding, until it has been fine", evidence,
          "");
    }
  }
  ruling.is_held = is_held;
  return is_held;
}

void Rollout::decide(JudgedRule& rule, const Blame* blame, Instant now, Step& out) {
  const Then& then = rule.rule().then;
  // One that is only on its way to clear is no reason to act any more.
  if (!rule.is_firing() || rule.status().truth != Truth::bad || !is_action(then)) return;
  const auto found = rulings_.find(&rule.rule());
  if (found == rulings_.end() || found->second.is_settled) return;
  Ruling& ruling = found->second;
  if (!gate_ && then.kind == Then::Kind::rollback) return;
  if (gate_ && rule.status().was_bad_before) return;
  if (gate_ && blame != nullptr && is_held(rule, *blame, ruling, now, out)) return;
  ruling.is_settled = true;
  const bool has_gate = gate_.has_value();
  const std::string candidate = has_gate ? gate_->candidate() : "";
  const std::string baseline = has_gate ? gate_->baseline() : "";
  const bool acts = respond(rule, candidate, baseline, has_gate, now, out);
  if (has_gate)
    end_gate(acts ? RolloutState::rolling_back : RolloutState::failed,
             rule.rule().name + ": " + gist_of(rule.status().evidence), now, out);
}

void Rollout::judge(Instant now, bool is_check, Step& out) {
  const auto of_always = [this](std::size_t i) {
    return gate_ ? &gate_->blame_of_always(i) : nullptr;
  };
  std::vector<JudgedRule>& always = service_.always;
  if (is_check)
    for (JudgedRule& rule : service_.before) rule.check(service_.evidence, now);
  for (std::size_t i = 0; i < always.size(); ++i)
    judge_rule(always[i], of_always(i), is_check, now, out);
  for (std::size_t i = 0; gate_ && i < gate_->rules().size(); ++i)
    judge_rule(gate_->rules()[i], &gate_->blame_of(i), is_check, now, out);
  for (std::size_t i = 0; gate_ && i < gate_->rules().size(); ++i)
    decide(gate_->rules()[i], &gate_->blame_of(i), now, out);
  for (std::size_t i = 0; i < always.size(); ++i) decide(always[i], of_always(i), now, out);
  if (watch_) judge_watch(is_check, now, out);
  if (!is_check) return;
  if (judgement_) answer(now, out);
  if (gate_) end_gate_in_time(now, out);
  notice_unknown(now, out);
}

void Rollout::end_gate_in_time(Instant now, Step& out) {
  if (now < gate_->ends()) return;
  const Gate::Verdict verdict = gate_->verdict(service_.always, now);
  if (verdict.failed_by_unknown != nullptr) {
    const std::string why =
        verdict.why + "; " + verdict.failed_by_unknown->name + " says `else fail`";
    teller(now, out).not_acted(
        *verdict.failed_by_unknown,
        "the gate fails because " + verdict.failed_by_unknown->name + " could not be judged",
        "`else fail` fails the rollout without an action", {}, "");
    end_gate(RolloutState::failed, why, now, out);
    return;
  }
  end_gate(verdict.outcome == Outcome::pass ? RolloutState::promoted : RolloutState::inconclusive,
           verdict.why, now, out);
}

void Rollout::notice_unknown(Instant now, Step& out) {
  const bool is_in_gate = gate_.has_value();
  if (is_in_gate) {
    const Gate::Verdict verdict = gate_->verdict(service_.always, now);
    unknown_.follow("", verdict.unknown, is_in_gate, "the gate: " + verdict.why, now);
  }
  for (const JudgedRule& rule : service_.always) {
    if (rule.rule().severity != Severity::critical) continue;
    const RuleStatus& status = rule.status();
    const auto kind = status.truth == Truth::unknown
                          ? std::optional(status.unknown.value_or(UnknownKind::error))
                          : std::nullopt;
    unknown_.follow(status.rule, kind, is_in_gate, status.rule + ": " + gist_of(status.evidence),
                    now);
  }
  const UnknownSpells::Due due = unknown_.take_due();
  if (!due.lines.empty()) teller(now, out).unknown_too_long(due.lines, due.page);
}

bool Rollout::has_firing_rule() const {
  const auto is_firing = [](const JudgedRule& rule) { return rule.is_firing(); };
  return std::any_of(service_.always.begin(), service_.always.end(), is_firing) ||
         (gate_ && std::any_of(gate_->rules().begin(), gate_->rules().end(), is_firing));
}

namespace {

/// Of a service without a gate: what its always-judged rules say together.
void tell_verdict(const std::vector<JudgedRule>& rules, ServiceStatus& status) {
  status.verdict = Outcome::unknown;
  std::vector<Judgement> judgements;
  bool is_failing = false;
  for (const JudgedRule& rule : rules) {
    if (!counts_for_verdict(rule.rule())) continue;
    const RuleStatus& one = rule.status();
    is_failing = is_failing || (one.firing && one.then.kind != Then::Kind::pause);
    judgements.push_back(one.firing ? Judgement{Truth::unknown, std::nullopt}
                                    : Judgement{one.truth, one.unknown});
  }
  const Judgement all = any_of(judgements);
  if (is_failing) {
    status.verdict = Outcome::fail;
  } else if (all.truth == Truth::fine) {
    status.verdict = Outcome::pass;
  } else {
    status.unknown = all.unknown;
  }
}

}  // namespace

RolloutStatus Rollout::status_of_gate(Instant now) const {
  const Gate::Verdict verdict = gate_->verdict(service_.always, now);
  return {.id = id_,
          .service = service_.plan.name,
          .candidate = gate_->candidate(),
          .baseline = gate_->baseline(),
          .mode = service_.plan.mode,
          .state = RolloutState::baking,
          .why = verdict.why,
          .started = gate_->started(),
          .step_started = gate_->started(),
          .ends = gate_->ends(),
          .verdict = verdict.outcome,
          .unknown = verdict.unknown};
}

void Rollout::tell(ServiceStatus& status, Instant now) const {
  for (const JudgedRule& rule : service_.always) status.rules.push_back(rule.status());
  if (gate_) {
    for (const JudgedRule& rule : gate_->rules()) status.rules.push_back(rule.status());
    const Gate::Verdict verdict = gate_->verdict(service_.always, now);
    status.verdict = verdict.outcome;
    status.unknown = verdict.unknown;
    status.rollout = status_of_gate(now);
  } else {
    tell_verdict(service_.always, status);
    status.rollout = ended_;
    if (ended_ && now < ended_->ends + kShownAfterwards)
      status.rules.insert(status.rules.end(), ended_rules_.begin(), ended_rules_.end());
  }
  status.actions.assign(actions_.begin(), actions_.end());
  status.actions_total = actions_total_;
  status.disarmed_until = book_.disarmed_until(service_.plan.name, now);
}

}  // namespace belay::rules
