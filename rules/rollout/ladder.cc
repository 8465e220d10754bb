#include "rules/rollout/ladder.h"

#include <algorithm>
#include <chrono>

#include "base/sanitize.h"
#include "rules/rollout/guards.h"
#include "rules/rollout/journal_text.h"
#include "rules/rollout/made_id.h"

namespace belay::rules {
namespace {

bool is_rung(const Then& then, const Order& order) {
  if (const auto* reset = std::get_if<ResetFlag>(&order.action))
    return then.kind == Then::Kind::reset_flag && then.name == reset->flag;
  if (const auto* run = std::get_if<RunCommand>(&order.action))
    return then.kind == Then::Kind::run && then.name == run->command;
  return then.kind == Then::Kind::rollback;
}

std::variant<RollBack, ResetFlag, RunCommand, MoveTraffic> action_of(const Then& then,
                                                                     const Ladder::Cause& cause) {
  if (then.kind == Then::Kind::reset_flag) return ResetFlag{.flag = then.name};
  if (then.kind == Then::Kind::run) return RunCommand{.command = then.name};
  return RollBack{.target = cause.baseline, .expected = cause.candidate};
}

/// Of a rollback. What this life has not seen enough of, the decision knew, or nobody does.
std::optional<Drain::Before> requests_before(Drain::Before seen, const Ladder::Cause& cause) {
  if (!cause.decided_before_restart) return seen;
  const std::optional<Drain::Before>& decided = *cause.decided_before_restart;
  const bool has_lost_names = seen.named == 0 && decided && decided->named > 0;
  if (!seen.shows_a_share() || has_lost_names) return decided;
  if (!seen.given && decided) seen.given = decided->given;
  return seen;
}

}  // namespace

Ladder::Ladder(Service& service, NameTable& names, ActionBook& book, ActionLog& log,
               const VersionHistory& versions, Instant start)
    : service_(service),
      names_(names),
      book_(book),
      log_(log),
      versions_(versions),
      start_(start) {}

std::vector<Ladder::Turn> Ladder::take_turns() { return std::exchange(turns_, {}); }

std::optional<std::string> Ladder::restored() const {
  if (!attempt_ || !watch_) return std::nullopt;
  const auto* back = std::get_if<RollBack>(&attempt_->order.action);
  return back == nullptr ? std::nullopt : std::optional(back->target);
}

std::optional<Instant> Ladder::rolled_back_at() const {
  return restored() ? std::optional(attempt_->done_at) : std::nullopt;
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
              // Outside a rollout a rule has one rung, and the rollback is none.
              .rungs = order.candidate.empty() ? std::vector<Then>{} : plan.on_fail,
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

void Ladder::resume(const Order& order, Resumed resumed, Instant now) {
  const std::optional<ActionOutcome::Phase> phase = resumed.phase;
  if (phase && !may_be_done(*phase)) return;
  Cause cause = resumed.elsewhere ? *std::move(resumed.elsewhere) : cause_of(order);
  if (cause.watching.empty()) return;
  cause.evidence = order.evidence;
  cause.reason = order.reason;
  cause.candidate = order.candidate;
  cause.baseline = order.baseline;
  cause.rollout = order.rollout;
  cause.decided_before_restart = resumed.before;
  std::size_t rung = 0;
  while (rung < cause.rungs.size() && !is_rung(cause.rungs[rung], order)) ++rung;
  // Nothing more is done where the ladder is another one by now.
  if (rung >= cause.rungs.size()) {
    cause.rungs.assign(1, {});
    rung = 0;
  }
  attempt_ = Attempt{.cause = std::move(cause),
                     .rung = rung,
                     .order = order,
                     .forbidden = std::move(resumed.forbidden),
                     .before = resumed.before};
  attempt_->has_left_candidate = phase && *phase != ActionOutcome::Phase::abandoned &&
                                 std::holds_alternative<RollBack>(order.action);
  if (!phase) return;
  watch(now);
  attempt_->done_at = order.at;  // It is no later: what came since came after it.
}

std::optional<std::string> Ladder::why_busy() const {
  if (const std::optional<std::string> open = book_.open_intent(service_.plan.name))
    return "another action on this service is still open (" + *open + ")";
  if (attempt_) return "the last action on this service is still being watched";
  return std::nullopt;
}

std::optional<std::string> Ladder::objection(const Cause& cause, Instant now) const {
  Order order = blank(cause);
  order.at = now;
  order.action = action_of(cause.rungs.front(), cause);
  return book_.objection(service_.plan, order, false);
}

std::optional<std::string> Ladder::begin(Cause cause, Instant now, Step& out) {
  if (std::optional<std::string> busy = why_busy()) {
    Teller(out, service_.plan.name, cause.candidate, cause.baseline, now, cause.rollout)
        .not_acted(*cause.rule, cause.rule->name + " fired, and nothing is done about it", *busy,
                   cause.evidence, "");
    return busy;
  }
  Order order = blank(cause);
  attempt_ = Attempt{.cause = std::move(cause), .rung = 0, .order = std::move(order)};
  return take_rung(now, out);
}

std::optional<std::string> Ladder::objection_to_rollback(const Order& order) const {
  const std::string& newcomer = attempt_->cause.newcomer;
  if (newcomer.empty() || !std::holds_alternative<RollBack>(order.action)) return std::nullopt;
  return sanitize(newcomer) + " has come since and has traffic: a rollback would take it out";
}

std::optional<std::string> Ladder::objection_to_sending() const {
  if (!attempt_) return std::nullopt;
  if (std::optional<std::string> why = objection_to_rollback(attempt_->order)) return why;
  if (!attempt_->is_stuck || attempt_->forbidden ||
      std::holds_alternative<RollBack>(attempt_->order.action))
    return std::nullopt;
  const Cause& cause = attempt_->cause;
  for (std::size_t next = attempt_->rung + 1; next < cause.rungs.size(); ++next) {
    const auto action = action_of(cause.rungs[next], cause);
    const auto* back = std::get_if<RollBack>(&action);
    const bool may_be =
        back != nullptr && cause.newcomer.empty() && !book_.objection_to(*back, attempt_->order);
    if (may_be) return "nobody can tell whether it can be done, and a rollback waits behind it";
  }
  return std::nullopt;
}

std::optional<std::string> Ladder::objection_to_rung(const Order& order) const {
  if (attempt_->forbidden) return attempt_->forbidden;
  if (std::optional<std::string> why = objection_to_rollback(order)) return why;
  return book_.objection(service_.plan, order, attempt_->has_begun());
}

std::optional<std::string> Ladder::take_rung(Instant now, Step& out) {
  Order order = order_of(attempt_->cause.rungs[attempt_->rung], now);
  Teller tell = teller(now, out);
  if (std::optional<std::string> objection = objection_to_rung(order)) {
    tell.not_acted(*attempt_->cause.rule, "did not " + words_of(order) + ": " + *objection,
                   *objection, order.evidence, "");
    // What is no rollback needs no version to go back to.
    const auto* back = std::get_if<RollBack>(&order.action);
    const bool has_way_back = back == nullptr || book_.objection_to(*back, order) != objection;
    if (!has_way_back && attempt_->rung + 1 < attempt_->cause.rungs.size()) {
      ++attempt_->rung;
      return take_rung(now, out);
    }
    end(attempt_->has_begun() ? without_help() : RolloutState::failed, *objection);
    return objection;
  }
  const bool is_later = attempt_->has_begun();
  book_.begin(order, is_later);
  log_.begin(order);
  tell.acting(order, std::holds_alternative<RollBack>(order.action) ? attempt_->cause.beware : "");
  if (is_later && !order.rollout.empty())
    turns_.push_back({order.rollout, RolloutState::rolling_back, words_of(order)});
  attempt_->is_stuck = false;
  attempt_->before.reset();
  if (std::holds_alternative<RollBack>(order.action)) {
    const Cause& cause = attempt_->cause;
    Drain::Before seen = Drain::before(service_, names_, {cause.candidate, cause.baseline}, now);
    seen.given = cause.share;
    attempt_->before = requests_before(seen, cause);
  }
  attempt_->order = std::move(order);
  return std::nullopt;
}

RolloutState Ladder::without_help() const {
  return attempt_->is_unseen ? RolloutState::inconclusive : RolloutState::not_recovered;
}

void Ladder::next_rung(const std::string& why, Instant now, Step& out) {
  if (++attempt_->rung < attempt_->cause.rungs.size()) {
    take_rung(now, out);
    return;
  }
  end(without_help(), why);
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
  unwatch();
  end(RolloutState::superseded, why);
}

std::string Ladder::what_follows() const {
  const std::size_t next = attempt_->rung + 1;
  const std::vector<Then>& rungs = attempt_->cause.rungs;
  if (next >= rungs.size() || attempt_->forbidden || attempt_->given_way) return {};
  const std::vector<Then> later(rungs.begin() + static_cast<std::ptrdiff_t>(next), rungs.end());
  return "; it may have been done, and is not sent again: unless it is seen to have helped, what "
         "follows is to " +
         words_of(later);
}

void Ladder::outcome(const ActionOutcome& outcome, Instant now, Step& out) {
  const bool is_mine = attempt_ && attempt_->order.intent == outcome.intent && !watch_;
  Teller tell = is_mine ? teller(now, out) : Teller(out, service_.plan.name, "", "", now);
  tell.outcome(outcome, log_.rule_of(outcome.intent));
  log_.outcome(outcome);
  const std::string detail = outcome.detail.empty() ? "" : ": " + outcome.detail;
  if (is_mine && outcome.phase == ActionOutcome::Phase::unknown) {
    attempt_->is_stuck = true;
    tell.not_acted(*attempt_->cause.rule, "still trying to " + words_of(attempt_->order),
                   "nobody knows yet whether that was done" + detail, attempt_->order.evidence,
                   outcome.intent, outcome.by_hand);
  }
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
  switch (outcome.phase) {
    case ActionOutcome::Phase::applied:
    case ActionOutcome::Phase::already:
      tell.acted(order, outcome, service_.plan.verify_for);
      watch(now);
      attempt_->has_left_candidate |= std::holds_alternative<RollBack>(order.action);
      break;
    case ActionOutcome::Phase::abandoned:
      // It may have been done: whether it helped decides what comes next.
      tell.not_acted(cause, "cannot tell whether it was done: " + words_of(order),
                     "nobody could find out" + detail + what_follows(), order.evidence,
                     order.intent, outcome.by_hand);
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
                     order.intent, outcome.by_hand);
      if (attempt_->given_way) {
        end(RolloutState::superseded, *attempt_->given_way);
      } else {
        const std::string said = words_of(outcome);
        next_rung(phase + (said.empty() ? "" : ": " + said), now, out);
      }
      break;
    case ActionOutcome::Phase::unknown:
      break;
  }
  if (watch_ && attempt_->given_way)
    end_watch(Notice::Kind::inconclusive, std::string(*attempt_->given_way), now, out);
}

}  // namespace belay::rules
