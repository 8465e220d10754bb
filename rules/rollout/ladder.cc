#include "rules/rollout/ladder.h"

#include <algorithm>
#include <chrono>

#include "base/sanitize.h"
#include "rules/rollout/guards.h"
#include "rules/rollout/journal_text.h"
#include "rules/rollout/made_id.h"

namespace belay::rules {
namespace {

/// What a platform and a flag's caches take to follow, at the least.
constexpr Duration kSettles = std::chrono::seconds{10};
/// How long a later rung waits for a shared cause to go away.
constexpr Duration kSharedMax = std::chrono::minutes{10};

bool is_rung(const Then& then, const Order& order) {
  if (const auto* reset = std::get_if<ResetFlag>(&order.action))
    return then.kind == Then::Kind::reset_flag && then.name == reset->flag;
  if (const auto* run = std::get_if<RunCommand>(&order.action))
    return then.kind == Then::Kind::run && then.name == run->command;
  return then.kind == Then::Kind::rollback;
}

bool is_done(ActionOutcome::Phase phase) {
  return phase == ActionOutcome::Phase::applied || phase == ActionOutcome::Phase::already ||
         phase == ActionOutcome::Phase::abandoned;
}

std::variant<RollBack, ResetFlag, RunCommand, MoveTraffic> action_of(const Then& then,
                                                                     const Ladder::Cause& cause) {
  if (then.kind == Then::Kind::reset_flag) return ResetFlag{.flag = then.name};
  if (then.kind == Then::Kind::run) return RunCommand{.command = then.name};
  return RollBack{.target = cause.baseline, .expected = cause.candidate};
}

}  // namespace

Ladder::Ladder(Service& service, NameTable& names, ActionBook& book, ActionLog& log, Instant start)
    : service_(service), names_(names), book_(book), log_(log), start_(start) {}

std::vector<Ladder::Turn> Ladder::take_turns() { return std::exchange(turns_, {}); }

std::optional<std::string> Ladder::restored() const {
  if (!attempt_ || !watch_) return std::nullopt;
  const auto* back = std::get_if<RollBack>(&attempt_->order.action);
  return back == nullptr ? std::nullopt : std::optional(back->target);
}

Teller Ladder::teller(Instant now, Step& out) const {
  return {out,
          service_.plan.name,
          attempt_ ? attempt_->cause.candidate : "",
          attempt_ ? attempt_->cause.baseline : "",
          now,
          attempt_ ? attempt_->cause.rollout : ""};
}

Order Ladder::order_of(const Then& then, Instant now) {
  const Cause& cause = attempt_->cause;
  Order order = attempt_->order;  // Rule, evidence and reason stay those of the cause.
  order.intent =
      made_id({service_.plan.name, cause.candidate, order.rule},
              {now.time_since_epoch().count(), start_.time_since_epoch().count(), ++intents_});
  order.at = now;
  order.action = action_of(then, cause);
  return order;
}

Order Ladder::blank(const Cause& cause) const {
  Order order;
  order.service = service_.plan.name;
  order.rule = name_of_rule(cause);
  order.evidence = cause.evidence;
  order.reason = cause.reason;
  order.candidate = cause.candidate;
  order.baseline = cause.baseline;
  order.rollout = cause.rollout;
  return order;
}

std::string Ladder::name_of_rule(const Cause& cause) {
  return cause.guard == nullptr ? cause.rule->name
                                : name_of_guarding(cause.guard->plan.name, cause.rule->name);
}

/// What an order of an earlier life was about, by the rules of now.
Ladder::Cause Ladder::cause_of(const Order& order) const {
  const ServicePlan& plan = service_.plan;
  Cause cause{.rule = nullptr,
              .evidence = order.evidence,
              .since = std::nullopt,
              .reason = order.reason,
              .watching = {},
              .rungs = plan.on_fail,
              .candidate = order.candidate,
              .baseline = order.baseline,
              .rollout = order.rollout};
  for (const std::vector<Rule>* rules : {&plan.rollout_rules, &plan.rules})
    for (const Rule& rule : *rules)
      if (rule.name == order.rule && cause.watching.empty()) {
        cause.watching.push_back(&rule);
        if (rule.then.kind != Then::Kind::rollback || plan.on_fail.empty())
          cause.rungs = {rule.then};
      }
  if (cause.watching.empty())
    for (const std::vector<Rule>* rules : {&plan.rules, &plan.rollout_rules})
      for (const Rule& rule : *rules)
        if (rule.severity == Severity::critical && cause.watching.empty())
          cause.watching.push_back(&rule);
  if (!cause.watching.empty()) cause.rule = cause.watching.front();
  return cause;
}

void Ladder::resume(const Order& order, std::optional<ActionOutcome::Phase> phase,
                    std::optional<Cause> elsewhere, Instant now) {
  Cause cause = elsewhere ? std::move(*elsewhere) : cause_of(order);
  if (cause.watching.empty()) return;
  cause.evidence = order.evidence;
  cause.reason = order.reason;
  cause.candidate = order.candidate;
  cause.baseline = order.baseline;
  cause.rollout = order.rollout;
  std::size_t rung = 0;
  while (rung < cause.rungs.size() && !is_rung(cause.rungs[rung], order)) ++rung;
  // Nothing more is done where nothing may be done now, or where the ladder is another one.
  if (rung >= cause.rungs.size() || service_.plan.mode != Mode::enforce) {
    cause.rungs.assign(1, {});
    rung = 0;
  }
  attempt_ = Attempt{.cause = std::move(cause), .rung = rung, .order = order};
  if (phase && is_done(*phase)) watch(now);
}

std::optional<std::string> Ladder::why_busy() const {
  if (const std::optional<std::string> open = book_.open_intent(service_.plan.name))
    return "another action on this service is still open (" + *open + ")";
  if (attempt_) return "the last action on this service is still being watched";
  return std::nullopt;
}

std::optional<std::string> Ladder::objection(const Cause& cause, Instant now) const {
  if (std::optional<std::string> busy = why_busy()) return busy;
  Order order = blank(cause);
  order.at = now;
  order.action = action_of(cause.rungs.front(), cause);
  return book_.objection(service_.plan, order, false);
}

bool Ladder::begin(Cause cause, Instant now, Step& out) {
  if (const std::optional<std::string> busy = why_busy()) {
    Teller(out, service_.plan.name, cause.candidate, cause.baseline, now, cause.rollout)
        .not_acted(*cause.rule, cause.rule->name + " fired, and nothing is done about it", *busy,
                   cause.evidence, "");
    return false;
  }
  Order order = blank(cause);
  attempt_ = Attempt{.cause = std::move(cause), .rung = 0, .order = std::move(order)};
  take_rung(now, out);
  return attempt_.has_value();
}

void Ladder::take_rung(Instant now, Step& out) {
  Order order = order_of(attempt_->cause.rungs[attempt_->rung], now);
  Teller tell = teller(now, out);
  if (const std::optional<std::string> objection =
          book_.objection(service_.plan, order, attempt_->rung > 0)) {
    tell.not_acted(*attempt_->cause.rule, "did not " + words_of(order) + ": " + *objection,
                   *objection, order.evidence, "");
    end(attempt_->rung > 0 ? RolloutState::not_recovered : RolloutState::failed, *objection);
    return;
  }
  book_.begin(order);
  log_.begin(order);
  tell.acting(order);
  if (attempt_->rung > 0 && !order.rollout.empty())
    turns_.push_back({order.rollout, RolloutState::rolling_back, words_of(order)});
  attempt_->order = std::move(order);
}

void Ladder::next_rung(const std::string& why, Instant now, Step& out) {
  if (++attempt_->rung < attempt_->cause.rungs.size()) {
    take_rung(now, out);
    return;
  }
  end(RolloutState::not_recovered, why);
}

void Ladder::end(RolloutState state, const std::string& why) {
  if (!attempt_->cause.rollout.empty()) turns_.push_back({attempt_->cause.rollout, state, why});
  attempt_.reset();
}

void Ladder::stand_down(const std::string& why, Instant now, Step& out) {
  if (!attempt_ || !watch_) return;
  teller(now, out).not_acted(*attempt_->cause.rule, "stopped watching: " + why,
                             "someone else has deployed", {}, attempt_->order.intent);
  log_.verified(attempt_->order.intent, Notice::Kind::inconclusive);
  watch_.reset();
  has_free_windows_ = true;
  end(RolloutState::superseded, why);
}

void Ladder::outcome(const ActionOutcome& outcome, Instant now, Step& out) {
  const bool is_mine = attempt_ && attempt_->order.intent == outcome.intent && !watch_;
  Teller tell = is_mine ? teller(now, out) : Teller(out, service_.plan.name, "", "", now);
  tell.outcome(outcome, log_.rule_of(outcome.intent));
  log_.outcome(outcome);
  if (!is_final(outcome.phase)) return;
  book_.end(outcome.intent, outcome.phase);
  if (!is_mine) {
    tell.notice(Notice::Kind::acted, true,
                "an action from before the restart ended: " + std::string(name_of(outcome.phase)) +
                    ". Nobody watches whether it helped")
        .intent = outcome.intent;
    log_.verified(outcome.intent, Notice::Kind::inconclusive);
    return;
  }
  const Order order = attempt_->order;
  const Rule& cause = *attempt_->cause.rule;
  const std::string phase(name_of(outcome.phase));
  const std::string detail = outcome.detail.empty() ? "" : ": " + outcome.detail;
  switch (outcome.phase) {
    case ActionOutcome::Phase::applied:
    case ActionOutcome::Phase::already:
      tell.acted(order, outcome, service_.plan.verify_for);
      watch(now);
      break;
    case ActionOutcome::Phase::abandoned:
      // It may have been done: whether it helped decides what comes next.
      tell.not_acted(cause, "cannot tell whether it was done: " + words_of(order),
                     "the answer was ambiguous until the deadline" + detail, order.evidence,
                     order.intent);
      watch(now);
      break;
    case ActionOutcome::Phase::superseded:
      tell.not_acted(cause, "stood down, did not " + words_of(order),
                     "someone else has acted" + detail, order.evidence, order.intent);
      end(RolloutState::superseded, "someone else has acted" + sanitize(detail));
      break;
    case ActionOutcome::Phase::conflict:
    case ActionOutcome::Phase::rejected:
      tell.not_acted(cause, "could not " + words_of(order), phase + detail, order.evidence,
                     order.intent);
      next_rung(phase + sanitize(detail), now, out);
      break;
    case ActionOutcome::Phase::unknown:
      break;
  }
}

void Ladder::watch(Instant now) {
  const Cause& cause = attempt_->cause;
  Binding binding;
  binding.since = std::chrono::floor<std::chrono::seconds>(now);
  const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
  if (!cause.candidate.empty()) {
    // What is restored is measured against itself: nothing else runs any more.
    const VersionFilter watched{.all = false,
                                .version = names_.id(is_back ? cause.baseline : cause.candidate)};
    binding.unscoped = watched;
    binding.candidate = watched;
    binding.baseline = watched;
  }
  // Without versions nobody can tell what still came from before the change.
  Binding of_service;
  of_service.since = binding.since + kSettles;
  watch_.emplace();
  watch_->until = now + service_.plan.verify_for;
  const std::vector<Rule>& always = service_.plan.rules;
  const bool asks_baseline = !is_back && !cause.candidate.empty() && !cause.baseline.empty();
  for (const Rule* rule : cause.watching) {
    const bool is_of_guard = cause.guard != nullptr && rule == cause.rule;
    Service& on = is_of_guard ? *cause.guard : service_;
    const bool is_always = is_of_guard || (!always.empty() && rule >= always.data() &&
                                           rule < always.data() + always.size());
    Binding bound = is_always ? of_service : binding;
    // Whichever version of the guard answers.
    if (is_of_guard) bound.candidate = VersionFilter{};
    watch_->rules.emplace_back(*rule, on.plan.name, bound, on.evidence, now);
    watch_->on.push_back(&on.evidence);
    if (is_of_guard) ++on.epoch;
    if (!asks_baseline) continue;
    if (is_of_guard) {
      watch_->blames.emplace_back(watch_->rules.back(),
                                  Blame::Before{.bad = std::nullopt, .was_fine = true},
                                  Blame::Versions{}, on.evidence, now);
      continue;
    }
    const Blame::Versions versions{
        .candidate = Binding::of_one_version(names_.id(cause.candidate), binding.since),
        .baseline = Binding::of_one_version(names_.id(cause.baseline), binding.since)};
    watch_->blames.emplace_back(watch_->rules.back(),
                                Blame::Before{.bad = std::nullopt, .was_fine = true}, versions,
                                service_.evidence, now);
  }
  if (!cause.rollout.empty())
    turns_.push_back({cause.rollout, RolloutState::verifying, words_of(attempt_->order)});
  ++service_.epoch;
}

bool Ladder::is_shared(std::size_t rule) const {
  const std::size_t next = attempt_->rung + 1;
  return next < attempt_->cause.rungs.size() &&
         attempt_->cause.rungs[next].kind == Then::Kind::rollback &&
         service_.plan.rollout.holds_on_shared_cause && rule < watch_->blames.size() &&
         watch_->blames[rule].fault() == Blame::Fault::shared;
}

void Ladder::hold_shared(const JudgedRule& rule, Instant now, Step& out) {
  const std::string& baseline = attempt_->cause.baseline;
  if (!watch_->shared_since) {
    watch_->shared_since = now;
    teller(now, out).not_acted(
        rule.rule(),
        "shared cause: " + rule.rule().name + " fires, but " + baseline + " is as bad as " +
            attempt_->cause.candidate + "; not rolling back",
        "both versions are bad at the same time; going on when the baseline is fine",
        rule.status().evidence, attempt_->order.intent);
  }
  if (now - *watch_->shared_since < kSharedMax) return;
  attempt_->rung = attempt_->cause.rungs.size();  // Nothing more is tried.
  end_watch(Notice::Kind::not_recovered,
            "both versions have been bad for " + format_duration(kSharedMax), now, out);
}

void Ladder::judge(Instant now, Step& out) {
  if (!watch_) return;
  for (std::size_t i = 0; i < watch_->rules.size(); ++i) {
    watch_->rules[i].check(*watch_->on[i], now);
    if (i < watch_->blames.size())
      watch_->blames[i].look(watch_->rules[i], *watch_->on[i], now, true);
  }
  for (std::size_t i = 0; i < watch_->rules.size(); ++i) {
    const JudgedRule& rule = watch_->rules[i];
    if (!rule.is_firing() && (now < watch_->until || rule.status().truth != Truth::bad)) continue;
    if (is_shared(i)) {
      hold_shared(rule, now, out);
      return;
    }
    attempt_->order.evidence = rule.status().evidence;
    const std::string why = rule.is_firing() ? " fires again on what was restored" : " is bad";
    end_watch(Notice::Kind::not_recovered, rule.rule().name + why, now, out);
    return;
  }
  if (now >= watch_->until) judge_end(now, out);
}

/// No rule is bad.
void Ladder::judge_end(Instant now, Step& out) {
  std::string why;
  Notice::Kind result = Notice::Kind::recovered;
  for (const JudgedRule& rule : watch_->rules) {
    const Truth truth = rule.status().truth;
    if (truth == Truth::unknown) result = Notice::Kind::inconclusive;
    why += (why.empty() ? "" : "; ") + rule.rule().name + " is " + name_of(truth);
    if (rule.status().unknown) why += std::string(" (") + name_of(*rule.status().unknown) + ")";
  }
  attempt_->order.evidence = watch_->rules.front().status().evidence;
  end_watch(result, why, now, out);
}

void Ladder::end_watch(Notice::Kind result, const std::string& why, Instant now, Step& out) {
  const bool has_more = attempt_->rung + 1 < attempt_->cause.rungs.size();
  const std::string words = words_of(attempt_->order);
  std::string headline = "recovered after: " + words;
  if (result == Notice::Kind::not_recovered)
    headline = has_more ? "it did not help: " + words + "; going on"
                        : "still bad after: " + words + ". It is not the deploy: look elsewhere";
  if (result == Notice::Kind::inconclusive) headline = "cannot say whether it helped: " + words;
  teller(now, out).verified(result, attempt_->order, headline, why, attempt_->order.evidence);
  log_.verified(attempt_->order.intent, result);
  watch_.reset();
  has_free_windows_ = true;
  if (result == Notice::Kind::not_recovered) {
    next_rung(why, now, out);
  } else {
    end(result == Notice::Kind::recovered ? RolloutState::recovered : RolloutState::inconclusive,
        why);
  }
}

void Ladder::keep(WindowStore& windows) const {
  if (!watch_) return;
  // Windows of a guard are kept when that releases its own.
  for (std::size_t i = 0; i < watch_->rules.size(); ++i)
    if (&watch_->on[i]->windows == &windows) watch_->rules[i].keep(windows);
  if (&service_.evidence.windows != &windows) return;
  for (const Blame& blame : watch_->blames) blame.keep(windows);
}

}  // namespace belay::rules
