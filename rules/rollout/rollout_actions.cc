#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "rules/rollout/journal_text.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

constexpr std::size_t kActionsShown = 20;
constexpr std::size_t kReasonBytesMax = 200;
/// What a platform and a flag's caches take to follow, at the least.
constexpr Duration kSettles = std::chrono::seconds{10};

std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31U);
}

std::uint64_t hash(std::uint64_t seed, std::string_view text) {
  std::uint64_t bits = seed ^ (text.size() * 0x9e3779b97f4a7c15U);
  for (const char byte : text) bits = mix(bits ^ static_cast<unsigned char>(byte));
  return mix(bits);
}

std::uint64_t hash(std::uint64_t seed, std::int64_t number) {
  return mix(mix(seed) ^ static_cast<std::uint64_t>(number));
}

/// 128 bits in a UUID's shape (version 8: made by ourselves).
std::string uuid_of(std::uint64_t high, std::uint64_t low) {
  constexpr std::string_view kHex = "0123456789abcdef";
  high = (high & ~std::uint64_t{0xF000}) | 0x8000U;
  low = (low & 0x3FFFFFFFFFFFFFFFU) | 0x8000000000000000U;
  std::string text;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    const std::uint64_t half = i < 16 ? high : low;
    text += kHex[(half >> static_cast<unsigned>(60 - 4 * (i % 16))) & 0xFU];
  }
  return text;
}

bool is_step(const Then& then, const Order& order) {
  if (const auto* reset = std::get_if<ResetFlag>(&order.action))
    return then.kind == Then::Kind::reset_flag && then.name == reset->flag;
  if (const auto* run = std::get_if<RunCommand>(&order.action))
    return then.kind == Then::Kind::run && then.name == run->command;
  return then.kind == Then::Kind::rollback;
}

std::string cut(std::string text) {
  if (text.size() <= kReasonBytesMax) return text;
  std::size_t end = kReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

}  // namespace

std::string Rollout::next_intent(const std::string& rule, Instant now) {
  std::array<std::uint64_t, 2> halves{};
  ++intents_;
  for (std::size_t i = 0; i < halves.size(); ++i) {
    std::uint64_t bits = hash(0x62656c6179ULL + i, service_.plan.name);
    bits = hash(bits, attempt_->candidate);
    bits = hash(bits, rule);
    bits = hash(bits, now.time_since_epoch().count());
    bits = hash(bits, start_.time_since_epoch().count());
    halves[i] = hash(bits, static_cast<std::int64_t>(intents_));
  }
  return uuid_of(halves[0], halves[1]);
}

Order Rollout::order_of(const Then& then, Instant now) {
  Order order = attempt_->order;  // Rule, evidence and reason stay those of the cause.
  order.intent = next_intent(order.rule, now);
  order.at = now;
  if (then.kind == Then::Kind::reset_flag) {
    order.action = ResetFlag{.flag = then.name};
  } else if (then.kind == Then::Kind::run) {
    order.action = RunCommand{.command = then.name};
  } else {
    order.action = RollBack{.target = attempt_->baseline, .expected = attempt_->candidate};
  }
  return order;
}

std::vector<Then> Rollout::ladder_of(const Rule& cause) const {
  if (cause.then.kind != Then::Kind::rollback || service_.plan.on_fail.empty()) return {cause.then};
  return service_.plan.on_fail;
}

void Rollout::resume(const Order& order) {
  std::vector<const Rule*> watching;
  for (const std::vector<Rule>* rules : {&service_.plan.rollout_rules, &service_.plan.rules})
    for (const Rule& rule : *rules)
      if (rule.name == order.rule && watching.empty()) watching.push_back(&rule);
  std::vector<Then> ladder;
  std::size_t step = 0;
  if (!watching.empty()) {
    ladder = ladder_of(*watching.front());
    while (step < ladder.size() && !is_step(ladder[step], order)) ++step;
  } else {
    for (const Rule& rule : service_.plan.rules)
      if (rule.severity == Severity::critical) watching.push_back(&rule);
  }
  if (watching.empty()) return;
  // Nothing more is done where nothing may be done now, or where the ladder is another one.
  if (step >= ladder.size() || service_.plan.mode != Mode::enforce) {
    ladder.assign(1, {});
    step = 0;
  }
  attempt_ = Attempt{.ladder = std::move(ladder),
                     .step = step,
                     .order = order,
                     .fired = std::move(watching),
                     .candidate = order.candidate,
                     .baseline = order.baseline,
                     .has_gate = !order.candidate.empty()};
}

bool Rollout::respond(const JudgedRule& cause, const std::string& candidate,
                      const std::string& baseline, bool has_gate, Instant now, Step& out) {
  const ServicePlan& plan = service_.plan;
  std::vector<Then> ladder = ladder_of(cause.rule());
  if (plan.mode == Mode::observe) return false;
  if (plan.mode == Mode::recommend) {
    std::vector<std::string> details = {"mode recommend: nothing is done"};
    if (has_gate)
      details.push_back("candidate " + candidate + ", baseline " +
                        (baseline.empty() ? "not known" : baseline));
    teller(now, out).would_act(cause, ladder, details);
    return false;
  }
  Attempt attempt{.ladder = std::move(ladder),
                  .step = 0,
                  .order = {},
                  .fired = {&cause.rule()},
                  .candidate = candidate,
                  .baseline = baseline,
                  .has_gate = has_gate};
  attempt.order.service = plan.name;
  attempt.order.rule = cause.rule().name;
  attempt.order.evidence = cause.status().evidence;
  attempt.order.reason = cut(cause.rule().name + ": " + gist_of(cause.status().evidence));
  attempt.order.candidate = candidate;
  attempt.order.baseline = baseline;
  const auto add_firing = [&attempt](const JudgedRule& rule) {
    if (rule.is_firing() && &rule.rule() != attempt.fired.front() &&
        counts_for_verdict(rule.rule()) && !rule.status().was_bad_before)
      attempt.fired.push_back(&rule.rule());
  };
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) add_firing(rule);
  for (const JudgedRule& rule : service_.always) add_firing(rule);

  if (const std::optional<std::string> open = book_.open_intent(plan.name); open || attempt_) {
    teller(now, out).not_acted(cause.rule(),
                               cause.rule().name + " fired, and nothing is done about it",
                               open ? "another action on this service is still open (" + *open + ")"
                                    : "the last action on this service is still being watched",
                               cause.status().evidence, "");
    return false;
  }
  attempt_ = std::move(attempt);
  take_step(now, out);
  return attempt_.has_value();
}

void Rollout::take_step(Instant now, Step& out) {
  Order order = order_of(attempt_->ladder[attempt_->step], now);
  Teller tell(out, service_.plan.name, attempt_->candidate, attempt_->baseline, now);
  if (const std::optional<std::string> objection =
          book_.objection(service_.plan, order, attempt_->step > 0)) {
    tell.not_acted(*attempt_->fired.front(), "did not " + words_of(order) + ": " + *objection,
                   *objection, order.evidence, "");
    attempt_.reset();
    move_on(RolloutState::not_recovered, now);
    return;
  }
  book_.begin(order);
  move_on(RolloutState::rolling_back, now);
  const auto* back = std::get_if<RollBack>(&order.action);
  actions_.push_back(
      {.intent = order.intent,
       .kind = kind_of(order),
       .rule = order.rule,
       .target = back != nullptr ? back->target : attempt_->ladder[attempt_->step].name,
       .at = now,
       .phase = std::nullopt,
       .verified = std::nullopt});
  if (actions_.size() > kActionsShown) actions_.pop_front();
  tell.acting(order);
  attempt_->order = std::move(order);
}

void Rollout::next_step(Instant now, Step& out) {
  if (++attempt_->step < attempt_->ladder.size()) {
    take_step(now, out);
    return;
  }
  attempt_.reset();
  move_on(RolloutState::not_recovered, now);
}

ActionStatus* Rollout::status_of(const std::string& intent) {
  const auto found = std::find_if(actions_.begin(), actions_.end(),
                                  [&](const ActionStatus& one) { return one.intent == intent; });
  return found == actions_.end() ? nullptr : &*found;
}

void Rollout::outcome(const ActionOutcome& outcome, Instant now, Step& out) {
  ActionStatus* status = status_of(outcome.intent);
  if (!book_.is_open(outcome.intent)) return;  // Phases only go forward.
  if (status != nullptr) status->phase = outcome.phase;
  const bool is_mine = attempt_ && attempt_->order.intent == outcome.intent && !watch_;
  Teller tell(out, service_.plan.name, is_mine ? attempt_->candidate : "",
              is_mine ? attempt_->baseline : "", now);
  tell.outcome(outcome, status == nullptr ? "" : status->rule);
  if (!is_final(outcome.phase)) return;
  const std::string kind = status == nullptr || status->kind.empty() ? "action" : status->kind;
  ++actions_total_[kind + "/" + std::string(name_of(outcome.phase))];
  book_.end(outcome.intent, outcome.phase);
  if (!is_mine) {
    tell.notice(Notice::Kind::acted, true,
                "an action from before the restart ended: " + std::string(name_of(outcome.phase)) +
                    ". Nobody watches whether it helped")
        .intent = outcome.intent;
    if (status != nullptr) status->verified = name_of(Notice::Kind::inconclusive);
    return;
  }
  const Order order = attempt_->order;
  const Rule& cause = *attempt_->fired.front();
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
      attempt_.reset();
      move_on(RolloutState::superseded, now);
      break;
    case ActionOutcome::Phase::conflict:
    case ActionOutcome::Phase::rejected:
      tell.not_acted(cause, "could not " + words_of(order),
                     std::string(name_of(outcome.phase)) + detail, order.evidence, order.intent);
      next_step(now, out);
      break;
    case ActionOutcome::Phase::unknown:
      break;
  }
}

void Rollout::watch(Instant now) {
  move_on(RolloutState::verifying, now);
  Binding binding;
  binding.since = std::chrono::floor<std::chrono::seconds>(now);
  if (attempt_->has_gate) {
    // What is restored is measured against itself: nothing else runs any more.
    const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
    const VersionFilter watched{
        .all = false, .version = names_.id(is_back ? attempt_->baseline : attempt_->candidate)};
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
  for (const Rule* rule : attempt_->fired) {
    const bool is_always =
        !always.empty() && rule >= always.data() && rule < always.data() + always.size();
    watch_->rules.emplace_back(*rule, service_.plan.name, is_always ? of_service : binding,
                               service_.evidence, now);
  }
  ++service_.epoch;
}

void Rollout::judge_watch(bool is_check, Instant now, Step& out) {
  if (!is_check) return;
  for (JudgedRule& rule : watch_->rules) {
    if (rule.check(service_.evidence, now) != Hold::Change::fired) continue;
    attempt_->order.evidence = rule.status().evidence;
    end_watch(Notice::Kind::not_recovered, rule.rule().name + " fires again on what was restored",
              now, out);
    return;
  }
  if (now < watch_->until) return;
  std::string why;
  Notice::Kind result = Notice::Kind::recovered;
  for (const JudgedRule& rule : watch_->rules) {
    const Truth truth = rule.status().truth;
    if (truth == Truth::bad) result = Notice::Kind::not_recovered;
    if (truth == Truth::unknown && result == Notice::Kind::recovered)
      result = Notice::Kind::inconclusive;
    why += (why.empty() ? "" : "; ") + rule.rule().name + " is " + name_of(truth);
    if (rule.status().unknown) why += std::string(" (") + name_of(*rule.status().unknown) + ")";
  }
  attempt_->order.evidence = watch_->rules.front().status().evidence;
  end_watch(result, why, now, out);
}

void Rollout::end_watch(Notice::Kind result, const std::string& why, Instant now, Step& out) {
  Teller tell(out, service_.plan.name, attempt_->candidate, attempt_->baseline, now);
  const bool has_more = attempt_->step + 1 < attempt_->ladder.size();
  std::string headline = "recovered after: " + words_of(attempt_->order);
  if (result == Notice::Kind::not_recovered)
    headline = has_more ? "it did not help: " + words_of(attempt_->order) + "; going on"
                        : "still bad after: " + words_of(attempt_->order) +
                              ". It is not the deploy: look elsewhere";
  if (result == Notice::Kind::inconclusive)
    headline = "cannot say whether it helped: " + words_of(attempt_->order);
  tell.verified(result, attempt_->order, headline, why, attempt_->order.evidence);
  if (ActionStatus* status = status_of(attempt_->order.intent)) status->verified = name_of(result);
  watch_.reset();
  if (result == Notice::Kind::not_recovered) {
    next_step(now, out);
  } else {
    attempt_.reset();
    move_on(
        result == Notice::Kind::recovered ? RolloutState::recovered : RolloutState::inconclusive,
        now);
  }
  release_windows();
}

}  // namespace belay::rules
