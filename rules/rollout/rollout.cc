#include "rules/rollout/rollout.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/judgement/default_rules.h"
#include "rules/judgement/rollout_words.h"
#include "rules/rollout/journal_text.h"

namespace belay::rules {
namespace {

/// What turns bad so soon after a step may be its doing.
constexpr Duration kStepBlame = std::chrono::minutes{2};

bool is_action(const Then& then) {
  return then.kind == Then::Kind::rollback || then.kind == Then::Kind::reset_flag ||
         then.kind == Then::Kind::run;
}

}  // namespace

Rollout::Rollout(Service& service, NameTable& names, ActionBook& book, Instant start)
    : service_(service),
      names_(names),
      book_(book),
      start_(start),
      by_hand_{.name = std::string(kByHand), .then = {.kind = Then::Kind::rollback}},
      default_rules_(rules_by_default(service.plan.rollout.limits, {})),
      default_alerts_(alerts_by_default(service.plan.rollout.limits)),
      // Its sentence is never judged: what fired is on another service.
      train_rule_(default_rule(kTrainRule, "error rate > 5% over 30s")),
      ladder_(service, names, book, log_, versions_, start) {}

RolloutRecord* Rollout::running() {
  return !records_.empty() && is_judged(records_.back().state()) ? &records_.back() : nullptr;
}

const RolloutRecord* Rollout::running() const {
  return !records_.empty() && is_judged(records_.back().state()) ? &records_.back() : nullptr;
}

const RolloutRecord* Rollout::promoted() const {
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    if (record->state() == RolloutState::promoted) return &*record;
    if (record->has_begun()) return nullptr;
  }
  return nullptr;
}

RolloutRecord* Rollout::record_of(const std::string& id) {
  for (RolloutRecord& record : records_)
    if (record.status().id == id) return &record;
  return nullptr;
}

const RolloutRecord* Rollout::record_of(const std::string& id) const {
  for (const RolloutRecord& record : records_)
    if (record.status().id == id) return &record;
  return nullptr;
}

Teller Rollout::teller(Instant now, Step& out) const {
  const RolloutRecord* record = running();
  const RolloutRecord* watched = record == nullptr && watch_until_ ? promoted() : record;
  return {out,
          service_.plan.name,
          record != nullptr ? record->status().candidate : "",
          record != nullptr ? record->status().baseline : "",
          now,
          watched != nullptr ? watched->status().id : ""};
}

std::vector<NameId> Rollout::spared() const {
  std::vector<NameId> names;
  if (!gate_) return names;
  names.push_back(gate_->binding().unscoped.version);
  if (gate_->binding().baseline) names.push_back(gate_->binding().baseline->version);
  return names;
}

std::optional<std::string> Rollout::why_busy() const {
  if (running() != nullptr) return "is in a rollout";
  if (ladder_.is_watching()) return "is watched after an action";
  if (ladder_.is_walking() || moving_ || !waiting_.empty() || book_.open_intent(service_.plan.name))
    return "has an action on its way";
  return std::nullopt;
}

void Rollout::adopt(ServicePlan next, Instant now) {
  const bool is_watched_on = watch_until_.has_value();
  watch_until_.reset();
  close_gate();
  std::map<std::string, Ruling> decided;
  for (const JudgedRule& rule : service_.always) {
    const auto found = rulings_.find(&rule.rule());
    if (found != rulings_.end()) decided.emplace(rule.rule().name, found->second);
    unknown_.forget(rule.rule().name);
  }
  rulings_.clear();
  service_.adopt(std::move(next), now);
  for (RolloutRecord& record : records_) record.follow_mode(service_.plan.mode);
  default_rules_ =
      rules_by_default(service_.plan.rollout.limits, service_.evidence.names_of(SourceKind::probe));
  default_alerts_ = alerts_by_default(service_.plan.rollout.limits);
  if (is_watched_on) watch_again(now);
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
  for (const JudgedRule& rule : service_.preflight) rule.keep(windows);
  if (gate_) gate_->keep(windows);
  if (end_of_bake_) end_of_bake_->keep(windows);
  for (const JudgedRule& rule : watching_) rule.keep(windows);
  ladder_.keep(windows);
  for (const Rollout* callee : callees_) callee->ladder_.keep(windows);
  windows.end_release();
  ++service_.epoch;
}

std::string Rollout::consequence_of(const JudgedRule& rule) const {
  const Then& then = rule.rule().then;
  const bool is_in_rollout = running() != nullptr;
  const bool is_always_judged =
      std::any_of(service_.always.begin(), service_.always.end(),
                  [&rule](const JudgedRule& one) { return &one == &rule; });
  if (!is_in_rollout && watch_until_ && is_action(then) && !is_always_judged)
    return "after the promotion rules only alert";
  if (then.kind == Then::Kind::rollback && !is_in_rollout)
    return "outside a rollout there is nothing to roll back: this is only an alert";
  if (then.kind == Then::Kind::pause)
    return is_in_rollout ? "the rollout is held while this fires"
                         : "outside a rollout nothing is paused";
  if (is_action(then) && rule.status().was_bad_before)
    return "it was bad before the gate began: nothing is done about it unless it becomes twice as "
           "bad";
  if (is_action(then) && service_.plan.mode == Mode::observe)
    return "mode observe: nothing is done about it";
  return {};
}

void Rollout::judge_rule(JudgedRule& rule, Blame* blame, bool is_check, Instant now, Step& out) {
  using Change = belay::rules::Hold::Change;
  const Change change =
      is_check ? rule.check(service_.evidence, now) : rule.glance(service_.evidence, now);
  if (blame != nullptr) blame->look(rule, service_.evidence, now, is_check);
  if (change == Change::fired) {
    const std::string against = served_badly(rule, now);
    if (!against.empty()) versions_.served_badly(against, now);
    teller_of(against, now, out).fired(rule, consequence_of(rule), against);
    const bool is_of_requests = std::any_of(
        rule.status().evidence.begin(), rule.status().evidence.end(),
        [](const Evidence& one) { return one.of_events && one.dimension == Dimension::share; });
    if (const auto found = numbers(now); found && is_of_requests)
      for (std::string& line : lines_of_top(*found, found->window))
        out.notices.back().details.push_back(std::move(line));
    rulings_[&rule.rule()] = Ruling{};
  } else if (change == Change::cleared) {
    const bool is_on_suspect = running() == nullptr && versions_.is_suspect() && served_alone(now);
    const std::string against = is_on_suspect ? versions_.promoted_last() : "";
    teller_of(against, now, out).cleared(rule, against);
    rulings_.erase(&rule.rule());
  }
}

std::string Rollout::harms_both(const JudgedRule& rule, const Blame& blame) const {
  const Instant step = records_.back().status().step_started;
  const std::optional<Instant> since = blame.both_bad_since(rule);
  const bool is_of_step = since && *since >= step && *since - step <= kStepBlame;
  return is_of_step ? std::string("; ") + kHarmsBoth : std::string();
}

bool Rollout::is_held(const JudgedRule& rule, const Blame& blame, Ruling& ruling, Instant now,
                      Step& out) {
  const Blame::Fault fault = blame.fault();
  const bool is_shared = fault == Blame::Fault::shared;
  const bool is_held =
      is_shared ? service_.plan.rollout.holds_on_shared_cause : fault != Blame::Fault::candidate;
  if (is_held && !ruling.is_held) {
    const std::string& name = rule.rule().name;
    std::vector<Evidence> evidence = rule.status().evidence;
    if (is_shared) {
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
          "going on when the baseline is fine" +
              harms_both(rule, blame),
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

bool Rollout::is_warming_up(const JudgedRule& rule, Instant now) const {
  const RolloutRecord* record = running();
  if (record == nullptr || record->ends_at_maximum()) return false;
  if (now >= record->status().step_started + service_.plan.rollout.warm_up) return false;
  bool is_about_latency = false;
  for (const Evidence& one : rule.status().evidence) {
    if (one.truth != Truth::bad) continue;
    if (one.dimension != Dimension::duration) return false;
    is_about_latency = true;
  }
  return is_about_latency;
}

void Rollout::decide(JudgedRule& rule, const Blame* blame, Instant now, Step& out) {
  const Then& then = rule.rule().then;
  // One that is only on its way to clear is no reason to act any more.
  if (!rule.is_firing() || rule.status().truth != Truth::bad || !is_action(then)) return;
  const auto found = rulings_.find(&rule.rule());
  if (found == rulings_.end() || found->second.is_settled) return;
  Ruling& ruling = found->second;
  const bool is_in_rollout = gate_ && running() != nullptr;
  if (!is_in_rollout && then.kind == Then::Kind::rollback) return;
  if (is_in_rollout && rule.status().was_bad_before) return;
  if (is_in_rollout && blame != nullptr && is_held(rule, *blame, ruling, now, out)) return;
  if (is_in_rollout && is_warming_up(rule, now)) return;
  ruling.is_settled = true;
  if (is_in_rollout) {
    fail_by(rule, now, out);
  } else {
    respond(rule, now, out);
  }
}

void Rollout::judge(Instant now, bool is_check, Step& out) {
  const auto of_always = [this](std::size_t i) {
    return gate_ && running() != nullptr ? &gate_->blame_of_always(i) : nullptr;
  };
  std::vector<JudgedRule>& always = service_.always;
  if (is_check) make_way(now, out);
  if (is_check)
    for (std::vector<JudgedRule>* rules : {&service_.before, &service_.preflight})
      for (JudgedRule& rule : *rules) rule.check(service_.evidence, now);
  for (std::size_t i = 0; i < always.size(); ++i)
    judge_rule(always[i], of_always(i), is_check, now, out);
  for (std::size_t i = 0; gate_ && i < gate_->rules().size(); ++i)
    judge_rule(gate_->rules()[i], &gate_->blame_of(i), is_check, now, out);
  for (JudgedRule& rule : watching_) judge_rule(rule, nullptr, is_check, now, out);
  if (is_check && running() == nullptr && versions_.is_suspect())
    versions_.look(truth_of_served(), served_alone(now), now);
  if (is_check && gate_ && running() != nullptr) note_before(now, out);
  for (std::size_t i = 0; gate_ && running() != nullptr && i < gate_->rules().size(); ++i)
    decide(gate_->rules()[i], &gate_->blame_of(i), now, out);
  for (std::size_t i = 0; i < always.size(); ++i) decide(always[i], of_always(i), now, out);
  look_at_guards(now, is_check, out);
  if (is_check) {
    ladder_.judge(now, out);
    take_turns(now, out);
    if (gate_ && running() != nullptr) follow_evidence(now, out);
    if (judgement_) queues_->check(service_.evidence, now, *judgement_);
    if (end_of_bake_) end_of_bake_->look(now);
    if (judgement_) answer(now, out);
    take_up_waiting(now, out);
    if (running() != nullptr) advance(now, out);
    if (watch_until_ && now >= *watch_until_) {
      watch_until_.reset();
      close_gate();
    }
    notice_unknown(now, out);
    count_ended();
  }
  if (ladder_.take_free_windows()) release_windows();
}

void Rollout::count_ended() {
  for (RolloutRecord& record : records_) {
    if (!record.take_ended()) continue;
    const RolloutStatus& status = record.status();
    deployments_.add({.state = status.state,
                      .verdict = status.verdict,
                      .ended = *status.ended,
                      .committed_at = status.committed_at,
                      .failing_since = status.failing_since});
  }
}

}  // namespace belay::rules
