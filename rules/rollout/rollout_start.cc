// How a rollout begins and ends, and how it goes on after a restart.

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/judgement/default_rules.h"
#include "rules/rollout/made_id.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

constexpr Duration kBackdatedMax = std::chrono::seconds{1};
constexpr Duration kBakeLongest = std::chrono::hours{24 * 365};
constexpr std::size_t kRecordsMax = 21;

/// Of what is live, the version with the largest share besides the candidate.
std::string largest_other(const Deployment& live, const std::string& candidate) {
  for (const Deployment::Share& share : live.versions)
    if (share.version != candidate && share.percent > 0) return share.version;
  return {};
}

bool has(const Deployment& live, const std::string& version) {
  return std::any_of(live.versions.begin(), live.versions.end(), [&](const auto& share) {
    return share.version == version && share.percent > 0;
  });
}

}  // namespace

RolloutStarted Rollout::completed(const RolloutStarted& asked, Instant now) const {
  RolloutStarted started = asked;
  started.service = service_.plan.name;
  // Evidence from before now was not kept: nobody may count on it.
  started.at = std::clamp(asked.at, now - kBackdatedMax, now);
  if (started.steps.empty() && asked.lasts > Duration::zero()) {
    const Duration lasts = std::min(asked.lasts, kBakeLongest);
    started.steps = {{.percent = 100, .bake = lasts, .bake_max = lasts}};
    // Rules say themselves how much is too little.
    if (!is_judged_by_default_alone()) started.steps.front().samples_min = 0;
  } else if (started.steps.empty()) {
    started.steps = service_.plan.rollout.steps;
    if (started.steps.empty()) started.steps = default_steps();
  }
  for (RolloutStep& step : started.steps) {
    step.bake = std::min(step.bake, kBakeLongest);
    step.bake_max = std::max(step.bake_max, step.bake);
  }
  if (started.baseline == started.candidate) started.baseline.clear();
  const bool is_stepped = started.steps.size() > 1 || started.is_driving;
  if (asked.baseline.empty() && is_stepped && live_)
    started.baseline = largest_other(*live_, started.candidate);
  if (started.id.empty())
    started.id = made_id({"rollout", started.service, started.candidate, started.baseline},
                         {started.at.time_since_epoch().count(), start_.time_since_epoch().count(),
                          static_cast<std::int64_t>(records_.size())});
  return started;
}

bool Rollout::is_judged_by_default_alone() const {
  const ServicePlan& plan = service_.plan;
  return plan.rollout.is_judged_by_default &&
         std::none_of(plan.rollout_rules.begin(), plan.rollout_rules.end(), counts_for_verdict) &&
         std::none_of(plan.rules.begin(), plan.rules.end(), counts_for_verdict);
}

bool Rollout::may_start(const RolloutStarted& asked, Instant now, Step& out) {
  const bool has_plan = asked.is_driving || !service_.plan.rollout.steps.empty();
  const Mode mode = asked.mode.value_or(service_.plan.mode);
  std::string why;
  if (asked.candidate.empty()) why = "no candidate was named";
  if (asked.steps.empty() &&
      (asked.lasts < Duration::zero() || (asked.lasts == Duration::zero() && !has_plan)))
    why = "a gate needs a time to watch for";
  if (asked.is_driving && mode != Mode::enforce)
    why = "traffic is moved only in mode enforce, and the mode is " + std::string(name_of(mode));
  if (why.empty()) return true;
  Teller(out, service_.plan.name, asked.candidate, asked.baseline, now)
      .rollout_ended(Outcome::unknown, why, {});
  if (running() != nullptr) return false;
  records_.emplace_back(completed(asked, now), service_.plan.name, service_.plan.mode, now, out);
  records_.back().move(RolloutState::inconclusive, why, now, out);
  return false;
}

void Rollout::start(const RolloutStarted& asked, Instant now, Step& out) {
  if (!asked.id.empty() && record_of(asked.id) != nullptr) return;
  if (!may_start(asked, now, out)) return;
  if (running() != nullptr)
    end(RolloutState::superseded, "another rollout began: " + asked.candidate, now, out);
  watch_until_.reset();
  close_gate();
  std::vector<std::string> details;
  if (!asked.baseline.empty() && asked.baseline == asked.candidate)
    details.push_back("the baseline that was named is the candidate itself: there is no baseline");
  records_.emplace_back(completed(asked, now), service_.plan.name, service_.plan.mode, now, out);
  while (records_.size() > kRecordsMax && is_final(records_.front().state())) records_.pop_front();
  RolloutRecord& record = records_.back();
  details.insert(details.begin(), "mode: " + std::string(name_of(record.status().mode)));
  unknown_.forget("");
  passed_.reset();
  has_skipped_ = false;
  irreversible_.reset();
  move_refused_.reset();
  preflight_.reset();
  preflight_unknown_since_.reset();
  was_preflight_paged_ = false;
  was_candidate_live_ = false;
  foreign_since_.reset();
  live_before_.clear();
  if (live_)
    for (const Deployment::Share& share : live_->versions) live_before_.push_back(share.version);
  if (service_.plan.rollout.asks_preflight) ask(now, out);
  if (record.status().is_driving) {
    tell_start(details, now, out);
    record.move(RolloutState::preflight, "looking before the first step", now, out);
    return;
  }
  open_gate(record.status().started);
  tell_start(details, now, out);
  std::size_t step = 0;
  const double live = live_percent().value_or(0);
  while (step + 1 < record.status().steps.size() &&
         record.status().steps[step + 1].percent <= live + 0.01)
    ++step;
  record.begin_step(step, "watching", record.status().started, out);
}

void Rollout::note_before(Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  if (queues_ && queues_->before().size() != record.queues_before().size())
    record.keep_queues_before(queues_->before());
  std::string again;
  for (const RuleBefore& one : record.before()) {
    if (one.truth != Truth::bad) continue;
    const auto counts = [&one](const JudgedRule& rule) {
      return rule.rule().name == one.rule && !rule.status().was_bad_before;
    };
    if (std::any_of(gate_->rules().begin(), gate_->rules().end(), counts) ||
        std::any_of(service_.always.begin(), service_.always.end(), counts))
      again += (again.empty() ? "" : ", ") + one.rule;
  }
  if (again.empty()) return;
  record.keep_before(gate_->before(service_.always));
  record.restate(again + " counts again: it was bad before, and has been fine or got worse", now,
                 out);
}

void Rollout::tell_start(const std::vector<std::string>& asked, Instant now, Step& out) {
  const RolloutStatus& status = records_.back().status();
  std::vector<std::string> details = asked;
  const auto note = [&](const JudgedRule& rule) {
    if (rule.status().was_bad_before && counts_for_verdict(rule.rule()))
      details.push_back(rule.rule().name +
                        " is bad already: it will neither act nor fail the gate, unless it has "
                        "been fine first or becomes twice as bad");
    for (const Evidence& one : rule.status().evidence)
      if (!one.note.empty()) details.push_back(rule.rule().name + ": " + one.note);
  };
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) note(rule);
  for (const JudgedRule& rule : service_.always) note(rule);
  if (judgement_) {
    details.push_back("judged by " + summary_of(service_.plan.rollout.limits));
    records_.back().note(details.back(), now);
  }
  if (status.is_irreversible)
    details.push_back("it is irreversible: a fail holds and pages, and nothing is rolled back");
  if (const std::optional<Instant> until = book_.disarmed_until(service_.plan.name, now))
    details.push_back("disarmed until " + format_utc(*until) + ": no action will be taken");
  const bool is_gate = records_.back().ends_at_maximum();
  teller(now, out).rollout_started(is_gate
                                       ? "for " + format_duration(status.steps.front().bake)
                                       : std::string(status.is_driving ? "driving" : "following") +
                                             " the steps " + steps_text(status.steps),
                                   details);
}

void Rollout::open_gate(Instant now) {
  const RolloutStatus& status = records_.back().status();
  gate_.emplace(RolloutStarted{.at = now,
                               .service = status.service,
                               .candidate = status.candidate,
                               .baseline = status.baseline},
                now, service_, names_, start_, records_.back().before());
  records_.back().keep_before(gate_->before(service_.always));
  for (const JudgedRule& rule : gate_->rules()) rulings_.erase(&rule.rule());
  pause_.reset();
  if (service_.plan.rollout.is_judged_by_default) {
    judgement_.emplace(*service_.evidence.paired,
                       RolloutJudgement::Versions{status.candidate, status.baseline},
                       service_.plan.rollout.limits);
    queues_.emplace(service_.plan.rollout.limits, records_.back().queues_before());
  }
  ++service_.epoch;
}

std::optional<RolloutNumbers> Rollout::numbers(Instant now) const {
  const auto& paired = service_.evidence.paired;
  if (!gate_ || paired == nullptr) return std::nullopt;
  return numbers_of(*paired, now, names_);
}

void Rollout::close_gate() {
  pause_.reset();
  if (!gate_) return;
  judgement_.reset();
  for (const JudgedRule& rule : watching_) rulings_.erase(&rule.rule());
  watching_.clear();
  gate_.reset();
  service_.evidence.paired.reset();
  release_windows();
}

void Rollout::watch_on(Instant until, Instant now) {
  watch_until_ = until;
  judgement_.reset();
  pause_.reset();
  if (!is_judged_by_default_alone()) return;
  Binding binding = gate_->binding();
  binding.since = std::chrono::floor<std::chrono::seconds>(now);
  for (const Rule& rule : default_alerts_)
    watching_.emplace_back(rule, service_.plan.name, binding, service_.evidence, now);
  ++service_.epoch;
}

void Rollout::end(RolloutState state, const std::string& why, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  std::vector<std::string> lines;
  std::vector<RuleStatus> rules;
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) {
      lines.push_back(rule.rule().name + ": " + gist_of(rule.status().evidence));
      rules.push_back(rule.status());
    }
  const bool is_fail = state == RolloutState::failed || state == RolloutState::rolling_back;
  const bool is_pass = state == RolloutState::promoted;
  const std::string prefix = state == RolloutState::superseded ? "superseded: " : "";
  teller(now, out).rollout_ended(
      is_pass ? Outcome::pass : (is_fail ? Outcome::fail : Outcome::unknown), prefix + why, lines);
  record.keep_rules(std::move(rules));
  if (!record.status().comparison) record.compare(numbers(now));
  record.move(state, why, now, out);
  for (JudgedRule& rule : service_.always) {
    rule.mark_bad_before(false);
    for (std::size_t i = 0; i < rule.status().evidence.size(); ++i) rule.note(i, "");
  }
  passed_.reset();
  irreversible_.reset();
  if (is_pass) {
    book_.pass(service_.plan.name, record.status().candidate);
    last_good_ = record.status().candidate;
  }
  if (is_pass && gate_ && service_.plan.rollout.watch_for > Duration::zero()) {
    watch_on(now + service_.plan.rollout.watch_for, now);
    for (JudgedRule& rule : gate_->rules()) rule.mark_bad_before(false);
  } else {
    close_gate();
  }
}

void Rollout::attach_by_itself(const Deployment& before, const Deployment& live, Instant now,
                               Step& out) {
  if (!service_.plan.rollout.is_attached_by_itself || ladder_.is_walking() || moving_) return;
  for (const Deployment::Share& share : live.versions) {
    const bool is_new = share.percent > 0 && !has(before, share.version) &&
                        share.version != last_good_ &&
                        !book_.was_put_back(service_.plan.name, share.version);
    const bool is_known = !records_.empty() &&
                          records_.back().status().candidate == share.version &&
                          now - records_.back().status().started < std::chrono::hours{24};
    if (!is_new || is_known) continue;
    RolloutStarted found{.at = now,
                         .service = service_.plan.name,
                         .candidate = share.version,
                         .baseline = largest_other(before, share.version)};
    found.id = made_id({"deployment", found.service, found.candidate, live.id}, {});
    found.steps =
        service_.plan.rollout.steps.empty() ? default_steps() : service_.plan.rollout.steps;
    found.by = "a deployment that nobody announced";
    start(found, now, out);
    return;
  }
}

void Rollout::remember(const Remembered& remembered, Instant now, Step& out) {
  const std::string& name = service_.plan.name;
  if (const auto good = remembered.last_good.find(name); good != remembered.last_good.end())
    last_good_ = good->second;
  for (const RememberedRollout& one : remembered.rollouts)
    if (one.started.service == name)
      records_.emplace_back(one, name, one.started.mode.value_or(service_.plan.mode));
  for (const Remembered::Action& action : remembered.actions) {
    if (action.service != name) continue;
    log_.remember(action);
    if (!action.is_open || !action.order) continue;
    const auto* move = std::get_if<MoveTraffic>(&action.order->action);
    if (move == nullptr) {
      ladder_.resume(*action.order, std::nullopt, now);
      continue;
    }
    moving_ = action.order;
    if (const RolloutRecord* record = record_of(action.order->rollout))
      for (std::size_t i = 0; i < record->status().steps.size(); ++i)
        if (record->status().steps[i].percent == move->percent) moving_to_ = i;
  }
  if (!records_.empty()) go_on_with(remembered, now, out);
  take_turns(now, out);
}

void Rollout::go_on_with(const Remembered& remembered, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  if (is_judged(record.state())) {
    if (!record.has_begun() && status.is_driving) return;  // Preflight asks again by itself.
    open_gate(now);
    record.restart_bake(now);
    has_skipped_ = true;
    const std::string why = "Belay was restarted: the bake of this step begins anew";
    if (record.state() == RolloutState::pending || !record.has_begun()) {
      record.begin_step(0, why, now, out);
    } else {
      record.note(why, now);
      teller(now, out).notice(Notice::Kind::rollout_moved, false, status.candidate + ": " + why);
    }
    return;
  }
  if (record.state() == RolloutState::promoted) {
    const Instant until = status.ended.value_or(now) + service_.plan.rollout.watch_for;
    if (until <= now) return;
    open_gate(now);
    watch_on(until, now);
    return;
  }
  if (is_final(record.state()) || ladder_.is_walking()) return;
  // Between the fail and the first rung, or between the last outcome and the end of the watch.
  if (record.state() == RolloutState::rolling_back) {
    Ladder::Cause cause = cause_of(record.rule(), status);
    if (cause.rule == nullptr) {
      record.move(RolloutState::inconclusive, "the rule that failed it is gone: " + record.rule(),
                  now, out);
    } else if (moving_) {
      waiting_cause_ = std::move(cause);
    } else if (!ladder_.begin(std::move(cause), now, out)) {
      record.move(RolloutState::failed, "nothing could be done after the restart", now, out);
    }
    return;
  }
  for (const Remembered::Action& action : remembered.actions) {
    const bool is_last = !status.intents.empty() && action.intent == status.intents.back();
    if (!is_last || action.target.empty()) continue;
    Order order{.intent = action.intent,
                .at = action.at,
                .service = status.service,
                .action = RollBack{.target = action.target, .expected = action.expected},
                .rule = record.rule(),
                .evidence = {},
                .reason = status.why,
                .candidate = status.candidate,
                .baseline = status.baseline,
                .rollout = status.id};
    ladder_.resume(order, action.phase, now);
  }
  if (ladder_.is_watching()) return;
  const std::string why = "restarted while it was verified: nobody watches whether it helped";
  record.move(RolloutState::inconclusive, why, now, out);
  teller(now, out).notice(Notice::Kind::inconclusive, true, status.candidate + ": " + why);
}

}  // namespace belay::rules
