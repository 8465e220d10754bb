#include "rules/rollout/rollout.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace belay::rules {
namespace {

constexpr Duration kUnknownMax = std::chrono::minutes{10};
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
    actions_.push_back({.intent = action.intent,
                        .kind = action.target.empty() ? "" : "rollback",
                        .rule = "",
                        .target = action.target,
                        .at = action.at,
                        .phase = std::nullopt,
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

void Rollout::start(const GateStarted& started, Instant now, Step& out) {
  if (gate_) end_gate(Outcome::unknown, "another gate began", now, out);
  gate_.emplace(started, now, service_, names_, service_.before);
  ended_.reset();
  ended_rules_.clear();
  unknown_since_.clear();
  has_told_unknown_ = false;
  was_candidate_live_ = false;
  std::vector<std::string> details = {"mode: " + std::string(name_of(service_.plan.mode))};
  const auto note_bad = [&](JudgedRule& rule) {
    if (rule.status().was_bad_before && counts_for_verdict(rule.rule()))
      details.push_back(rule.rule().name +
                        " is bad already: it will neither act nor fail the gate");
  };
  for (const JudgedRule& rule : gate_->rules()) rulings_.erase(rule.rule().name);
  for (JudgedRule& rule : gate_->rules()) note_bad(rule);
  for (JudgedRule& rule : service_.always) {
    rule.mark_bad_before(rule.status().truth == Truth::bad || rule.is_firing());
    note_bad(rule);
  }
  if (const std::optional<Instant> until = book_.disarmed_until(service_.plan.name, now))
    details.push_back("disarmed until " + format_utc(*until) + ": no action will be taken");
  ++service_.epoch;
  teller(now, out).gate_started(started.lasts, details);
}

void Rollout::end_gate(Outcome outcome, const std::string& why, Instant now, Step& out) {
  std::vector<std::string> lines;
  for (const JudgedRule& rule : gate_->rules())
    lines.push_back(rule.rule().name + ": " + gist_of(rule.status().evidence));
  teller(now, out).gate_ended(outcome, why, lines);
  ended_ = GateStatus{.candidate = gate_->candidate(),
                      .baseline = gate_->baseline(),
                      .started = gate_->started(),
                      .ends = now,
                      .ended = outcome,
                      .why = why};
  for (const JudgedRule& rule : gate_->rules()) ended_rules_.push_back(rule.status());
  for (JudgedRule& rule : service_.always) rule.mark_bad_before(false);
  gate_.reset();
  release_windows();
}

void Rollout::deployed(const Deployment& deployment, Instant now, Step& out) {
  if (!gate_ || deployment.versions.empty()) return;
  const bool is_live = std::any_of(
      deployment.versions.begin(), deployment.versions.end(), [this](const auto& share) {
        return share.version == gate_->candidate() && share.percent > 0;
      });
  if (was_candidate_live_ && !is_live)
    end_gate(Outcome::unknown, "superseded: someone took " + gate_->candidate() + " out", now, out);
  was_candidate_live_ = is_live;
}

std::string Rollout::consequence_of(const JudgedRule& rule) const {
  const Then& then = rule.rule().then;
  if (then.kind == Then::Kind::rollback && !gate_)
    return "outside a rollout there is nothing to roll back: this is only an alert";
  if (then.kind == Then::Kind::pause)
    return gate_ ? "the gate cannot pass while this fires" : "outside a rollout nothing is paused";
  if (is_action(then) && rule.status().was_bad_before)
    return "it was bad before the gate began: nothing is done about it";
  if (is_action(then) && service_.plan.mode == Mode::observe)
    return "mode observe: nothing is done about it";
  return {};
}

void Rollout::judge_rule(JudgedRule& rule, bool is_check, Instant now, Step& out) {
  const Hold::Change change =
      is_check ? rule.check(service_.evidence, now) : rule.glance(service_.evidence, now);
  if (is_check && rule.status().was_bad_before && rule.status().truth == Truth::fine &&
      !rule.is_firing())
    rule.mark_bad_before(false);
  if (change == Hold::Change::fired) {
    teller(now, out).fired(rule, consequence_of(rule));
    rulings_[rule.rule().name] = Ruling{};
  } else if (change == Hold::Change::cleared) {
    teller(now, out).cleared(rule);
    rulings_.erase(rule.rule().name);
  }
}

bool Rollout::is_held(JudgedRule& rule, std::size_t gate_rule, Ruling& ruling, Instant now,
                      Step& out) {
  using Fault = Gate::Fault;
  const Fault fault = gate_->fault_by(gate_rule, service_.evidence, now);
  // Once held, only a baseline that is known to be fine again lets it go on.
  const bool is_held = fault == Fault::shared || fault == Fault::never_fine ||
                       (ruling.is_held && fault == Fault::unclear);
  if (is_held && !ruling.is_held) {
    const std::string& name = rule.rule().name;
    const bool is_shared = fault == Fault::shared;
    teller(now, out).not_acted(
        rule.rule(),
        is_shared ? "shared cause: " + name + " fires, but " + gate_->baseline() +
                        " is as bad as " + gate_->candidate()
                  : "cannot blame " + gate_->candidate() + ": " + name +
                        " fires by evidence without a version, and was never seen fine",
        is_shared ? "both versions are bad at the same time; holding, and going on when the "
                    "baseline is fine"
                  : "it may have been bad before the gate began; holding, until it has been fine",
        rule.status().evidence, "");
  }
  ruling.is_held = is_held;
  return is_held;
}

void Rollout::decide(JudgedRule& rule, std::optional<std::size_t> gate_rule, Instant now,
                     Step& out) {
  const Then& then = rule.rule().then;
  if (!rule.is_firing() || !is_action(then)) return;
  const auto found = rulings_.find(rule.rule().name);
  if (found == rulings_.end() || found->second.is_settled) return;
  Ruling& ruling = found->second;
  if (!gate_ && then.kind == Then::Kind::rollback) return;
  if (gate_ && rule.status().was_bad_before) return;
  if (gate_ && gate_rule && is_held(rule, *gate_rule, ruling, now, out)) return;
  ruling.is_settled = true;
  const bool has_gate = gate_.has_value();
  const std::string candidate = has_gate ? gate_->candidate() : "";
  const std::string baseline = has_gate ? gate_->baseline() : "";
  respond(rule, candidate, baseline, has_gate, now, out);
  if (has_gate)
    end_gate(Outcome::fail, rule.rule().name + ": " + gist_of(rule.status().evidence), now, out);
}

void Rollout::judge(Instant now, bool is_check, Step& out) {
  if (is_check)
    for (JudgedRule& rule : service_.before) rule.check(service_.evidence, now);
  for (JudgedRule& rule : service_.always) judge_rule(rule, is_check, now, out);
  if (gate_)
    for (JudgedRule& rule : gate_->rules()) judge_rule(rule, is_check, now, out);
  if (gate_ && is_check) gate_->note_fine();
  for (std::size_t i = 0; gate_ && i < gate_->rules().size(); ++i)
    decide(gate_->rules()[i], i, now, out);
  for (JudgedRule& rule : service_.always) decide(rule, std::nullopt, now, out);
  if (watch_) judge_watch(is_check, now, out);
  if (!is_check) return;
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
    end_gate(Outcome::fail, why, now, out);
    return;
  }
  end_gate(verdict.outcome, verdict.why, now, out);
}

void Rollout::notice_unknown(Instant now, Step& out) {
  std::vector<std::string> too_long;
  bool is_new = false;
  const auto follow = [&](const std::string& name, bool is_unknown, const std::string& what) {
    if (!is_unknown) {
      unknown_since_.erase(name);
      return;
    }
    const Instant since = unknown_since_.emplace(name, now).first->second;
    if (now - since < kUnknownMax) return;
    too_long.push_back(what);
    is_new = true;
  };
  if (gate_) {
    const Gate::Verdict verdict = gate_->verdict(service_.always, now);
    follow("", verdict.outcome == Outcome::unknown, "the gate: " + verdict.why);
  }
  for (const JudgedRule& rule : service_.always) {
    if (rule.rule().severity != Severity::critical) continue;
    const RuleStatus& status = rule.status();
    follow(status.rule, status.truth == Truth::unknown,
           status.rule + ": " + gist_of(status.evidence));
  }
  if (too_long.empty()) has_told_unknown_ = false;
  if (!is_new || has_told_unknown_) return;
  has_told_unknown_ = true;
  teller(now, out).unknown_too_long(too_long);
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

void Rollout::tell(ServiceStatus& status, Instant now) const {
  for (const JudgedRule& rule : service_.always) status.rules.push_back(rule.status());
  if (gate_) {
    for (const JudgedRule& rule : gate_->rules()) status.rules.push_back(rule.status());
    const Gate::Verdict verdict = gate_->verdict(service_.always, now);
    status.verdict = verdict.outcome;
    status.unknown = verdict.unknown;
    status.gate = GateStatus{.candidate = gate_->candidate(),
                             .baseline = gate_->baseline(),
                             .started = gate_->started(),
                             .ends = gate_->ends(),
                             .ended = std::nullopt,
                             .why = verdict.why};
  } else {
    tell_verdict(service_.always, status);
    status.gate = ended_;
    if (ended_ && now < ended_->ends + kShownAfterwards)
      status.rules.insert(status.rules.end(), ended_rules_.begin(), ended_rules_.end());
  }
  status.actions.assign(actions_.begin(), actions_.end());
  status.actions_total = actions_total_;
  status.disarmed_until = book_.disarmed_until(service_.plan.name, now);
}

}  // namespace belay::rules
