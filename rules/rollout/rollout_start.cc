// How a rollout begins.

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/judgement/default_rules.h"
#include "rules/language/units.h"
#include "rules/rollout/baseline.h"
#include "rules/rollout/before_rollout.h"
#include "rules/rollout/made_id.h"
#include "rules/rollout/no_length.h"
#include "rules/rollout/rollout.h"
#include "rules/rollout/swapped.h"

namespace belay::rules {
namespace {

constexpr Duration kBackdatedMax = std::chrono::seconds{1};
constexpr Duration kBakeLongest = std::chrono::hours{24 * 365};
constexpr std::size_t kRecordsMax = 21;

/// Of one that is superseded: what nobody goes on with.
std::string words_of_going(const RolloutStatus& status) {
  return "the rollout of " + sanitize(status.candidate) + " that went on (" + status.id + ", " +
         std::string(name_of(status.state)) + ", " + (status.is_driving ? "driving" : "following") +
         ")";
}

/// Of a baseline that was named; empty if nothing speaks against it. `failure`: of it.
std::string beware_of(const std::string& version, const std::optional<std::string>& failure,
                      bool was_rolled_away) {
  if (was_rolled_away)
    return "beware: " + (failure ? *failure + " and" : sanitize(version)) +
           " was rolled away from: a rollback to it would be refused";
  return failure ? "beware: " + *failure + ", and a rollback would go back to it all the same" : "";
}

/// What `before` has for the default judgement, which is its last; null if it has nothing for it.
const RuleBefore* errors_in(const std::vector<RuleBefore>& before, const Service& service) {
  const JudgedRule* errors = service.errors_before();
  if (errors == nullptr || before.empty() || before.back().rule != errors->rule().name ||
      before.back().sentence != errors->status().sentence)
    return nullptr;
  return &before.back();
}

/// `before`, of the rules that there are, with what has become of each since.
std::vector<RuleBefore> before_by_now(const Gate& gate, const std::optional<Guards>& guards,
                                      const std::vector<RuleBefore>& before,
                                      const Service& service) {
  std::vector<RuleBefore> all = gate.before(service.always);
  if (guards) std::ranges::move(guards->before(), std::back_inserter(all));
  if (const RuleBefore* errors = errors_in(before, service)) all.push_back(*errors);
  return all;
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
  started.baseline = baseline_for(asked, now).version;
  if (!started.train.empty()) {
    if (!started.after) started.after = service_.plan.after;
    if (!started.takes_all_back) started.takes_all_back = service_.plan.rollout.takes_all_back;
    // As the journal writes it.
    started.train_began = from_unix_ms(unix_ms(asked.train_began.value_or(started.at)));
  }
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

std::string Rollout::why_not_start(const RolloutStarted& asked) const {
  if (!left_over_.empty()) return left_over_;
  const bool has_plan = asked.is_driving || !service_.plan.rollout.steps.empty();
  const Mode mode = asked.mode.value_or(service_.plan.mode);
  if (asked.is_driving && mode != Mode::enforce)
    return "traffic is moved only in mode enforce, and the mode is " + std::string(name_of(mode));
  if (asked.steps.empty() &&
      (asked.lasts < Duration::zero() || (asked.lasts == Duration::zero() && !has_plan)))
    return std::string(kNoLength);
  return asked.candidate.empty() ? "no candidate was named" : "";
}

bool Rollout::may_start(const RolloutStarted& asked, Instant now, Step& out) {
  const std::string why = why_not_start(asked);
  if (why.empty()) return true;
  Teller(out, service_.plan.name, asked.candidate, asked.baseline, now)
      .rollout_ended(Outcome::unknown, why, {}, true);
  if (running() != nullptr) return false;
  records_.emplace_back(completed(asked, now), service_.plan.name, service_.plan.mode, now, out);
  records_.back().move(RolloutState::inconclusive, why, now, out);
  return false;
}

void Rollout::start(const RolloutStarted& asked, Instant now, Step& out) {
  if (!asked.id.empty() && record_of(asked.id) != nullptr) return;
  if (!may_start(asked, now, out)) return;
  std::vector<std::string> details;
  if (const RolloutRecord* older = running()) {
    details.push_back("it takes the place of " + words_of_going(older->status()));
    end(RolloutState::superseded, "another rollout began: " + asked.candidate, now, out);
  }
  watch_until_.reset();
  close_gate();
  if (!asked.baseline.empty() && asked.baseline == asked.candidate)
    details.push_back("the baseline that was named is the candidate itself: there is no baseline");
  const Baseline baseline = baseline_for(asked, now);
  records_.emplace_back(completed(asked, now), service_.plan.name, service_.plan.mode, now, out);
  count_ended();
  while (records_.size() > kRecordsMax && is_final(records_.front().state())) records_.pop_front();
  RolloutRecord& record = records_.back();
  for (const std::string& line : details) record.note(line, now);
  if (const std::string_view from = words_of(baseline.from); !from.empty()) {
    details.push_back("baseline " + sanitize(baseline.version) + ": " + std::string(from));
    record.note(details.back(), now);
  }
  for (const std::string& why : baseline.passed_over) {
    details.push_back(why);
    record.note(why, now);
  }
  std::string unseen = beware_unseen(record.status(), now);
  bool is_warned = false;
  if (baseline.from == Baseline::From::asked) {
    std::string why = beware_of(baseline.version, versions_.failure_of(baseline.version, now),
                                book_.was_rolled_away(service_.plan.name, baseline.version));
    is_warned = !why.empty();
    if (is_warned) {
      record.note(why, now);
      details.push_back(std::move(why));
    }
    const bool was_judged = std::ranges::any_of(records_, [&](const RolloutRecord& one) {
      return &one != &record && one.status().candidate == asked.candidate &&
             one.status().baseline == baseline.version;
    });
    // A rollback to a version that may not exist is the worse mistake.
    if (unseen.empty())
      record.keep_beware(beware_of_swap({names_.id(asked.candidate), names_.id(baseline.version)},
                                        service_, was_judged ? VersionHistory() : versions_, now));
    if (!record.beware().empty()) {
      record.note(record.beware(), now);
      details.push_back(record.beware());
    }
  }
  if (!unseen.empty() && !is_warned) {
    details.push_back(std::move(unseen) + "; a rollback would go to it all the same");
    record.note(details.back(), now);
  }
  const std::string short_gate = record.ends_at_maximum()
                                     ? beware_of_short_gate(service_.plan, record.step().bake)
                                     : std::string();
  for (std::string why :
       {beware_of_larger(baseline.version, asked.candidate, service_), short_gate}) {
    if (why.empty()) continue;
    record.note(why, now);
    details.push_back(std::move(why));
  }
  if (record.status().mode == Mode::enforce) {
    std::optional<std::string> why = book_.why_disarmed(service_.plan.name, now);
    if (!why) why = book_.why_not_yet(service_.plan, now);
    if (!why && !is_warned && !baseline.version.empty())
      why = why_no_rollback(record.status(), now);
    if (why) details.push_back("beware: a rollback would not be done now: " + *why);
    if (why) record.note(details.back(), now);
  }
  unknown_.forget("");
  passed_.reset();
  has_skipped_ = false;
  irreversible_.reset();
  move_refused_.reset();
  convicted_by_.reset();
  preflight_ = {};
  train_stopped_.reset();
  // What is to be given traffic later cannot go before that; and an old reading says nothing.
  const std::optional<Deployment> live = log_.live(traffic_.reading());
  traffic_.begin_rollout(!asked.is_driving && asked.train.empty() && live && is_live_current(now) &&
                         share_of(*live, asked.candidate) > 0);
  if (traffic_.reading()) record.see_traffic(*traffic_.reading(), traffic_);
  unannounced_.forget();
  // In a train it is for the train to say when.
  if (record.status().train.empty()) begin(std::move(details), record.status().started, now, out);
}

/// The newest one, which is pending. `since`: when the evidence of it begins.
void Rollout::begin(std::vector<std::string> details, Instant since, Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  details.insert(details.begin(), "mode: " + std::string(name_of(record.status().mode)));
  if (service_.plan.rollout.asks_preflight) ask(now, out);
  if (record.status().is_driving) {
    tell_start(details, now, out);
    record.move(RolloutState::preflight, "looking before the first step", now, out);
    return;
  }
  open_gate(record.status().id, since);
  tell_start(details, now, out);
  std::size_t step = 0;
  const double live = live_percent().value_or(0);
  while (step + 1 < record.status().steps.size() &&
         record.status().steps[step + 1].percent <= live + 0.01)
    ++step;
  record.begin_step(step, "watching", since, out);
  has_skipped_ = step > 0;
}

/// What was bad before it began, in words.
std::vector<std::string> Rollout::bad_already() const {
  std::vector<std::string> lines;
  const auto note = [&](const JudgedRule& rule) {
    if (rule.status().was_bad_before && counts_for_verdict(rule.rule()))
      lines.push_back(rule.rule().name +
                      " is bad already: it will neither act nor fail the gate, unless it has "
                      "been fine first or becomes twice as bad");
    for (const Evidence& one : rule.status().evidence)
      if (!one.note.empty()) lines.push_back(rule.rule().name + ": " + one.note);
  };
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) note(rule);
  for (const JudgedRule& rule : service_.always) note(rule);
  const RuleBefore* errors = judgement_ ? errors_in(records_.back().before(), service_) : nullptr;
  if (errors != nullptr && errors->truth == Truth::bad)
    lines.push_back("the service is bad already (" + gist_of(errors->evidence) +
                    "): where the baseline has no requests, the default judgement acts only on "
                    "twice of that");
  return lines;
}

void Rollout::note_before(Instant now, Step& out) {
  RolloutRecord& record = records_.back();
  if (queues_ && queues_->before().size() != record.queues_before().size())
    record.keep_queues_before(queues_->before());
  const auto is_bad = [](const RuleBefore& one) { return one.truth == Truth::bad; };
  if (std::ranges::none_of(record.before(), is_bad)) return;
  std::vector<RuleBefore> all = before_by_now(*gate_, guards_, record.before(), service_);
  if (judgement_ && !judgement_->is_excused() && errors_in(all, service_) != nullptr &&
      is_bad(all.back()))
    all.back() = {.rule = all.back().rule, .sentence = all.back().sentence, .truth = Truth::fine};
  std::string again;
  for (const RuleBefore& one : all) {
    const RuleBefore* before = find_before(record.before(), one.rule, one.sentence);
    if (before != nullptr && is_bad(*before) && !is_bad(one))
      again += (again.empty() ? "" : ", ") + one.rule;
  }
  if (again.empty()) return;
  record.keep_before(std::move(all));
  record.restate(again + " counts again: it was bad before, and has been fine or got worse", now,
                 out);
}

void Rollout::tell_start(const std::vector<std::string>& asked, Instant now, Step& out) {
  const RolloutStatus& status = records_.back().status();
  std::vector<std::string> details = asked;
  for (std::string& line : bad_already()) details.push_back(std::move(line));
  for (const JudgedRule& rule : service_.preflight)
    if (!status.is_driving && rule.status().truth != Truth::fine)
      details.push_back("before it begins, " + rule.rule().name + " is " +
                        name_of(rule.status().truth) + ": " + gist_of(rule.status().evidence));
  if (judgement_) {
    details.push_back("judged by " + summary_of(service_.plan.rollout.limits));
    records_.back().note(details.back(), now);
  }
  if (status.is_driving && status.steps.back().percent < 100)
    details.push_back("its steps end at " + decimal_text(status.steps.back().percent) +
                      "%: the baseline keeps the rest of the traffic, also when it is promoted");
  if (status.is_irreversible)
    details.push_back("it is irreversible: a fail holds and pages, and nothing is rolled back");
  if (const std::optional<std::string> disarmed = book_.why_disarmed(service_.plan.name, now))
    details.push_back(*disarmed + ": no action will be taken");
  const bool is_gate = records_.back().ends_at_maximum();
  teller(now, out).rollout_started(is_gate
                                       ? "for " + format_duration(status.steps.front().bake)
                                       : std::string(status.is_driving ? "driving" : "following") +
                                             " the steps " + steps_text(status.steps),
                                   details);
}

void Rollout::look_before(RolloutRecord& record, Instant now) {
  const RolloutStatus& status = record.status();
  const std::vector<RuleBefore> known =
      record.is_before_believed() ? record.before() : std::vector<RuleBefore>();
  record.keep_before(rules_before(service_, callers_,
                                  {names_.id(status.candidate), names_.id(status.baseline)}, start_,
                                  known));
  if (known.empty()) record.keep_queues_before(queue_depths(service_.evidence, now));
}

void Rollout::open_gate(const std::string& rollout, Instant now) {
  RolloutRecord* record = record_of(rollout);
  BELAY_CHECK(record != nullptr, "what is judged is remembered");
  const RolloutStatus& status = record->status();
  look_before(*record, now);
  gate_.emplace(RolloutStarted{.at = now,
                               .service = status.service,
                               .candidate = status.candidate,
                               .baseline = status.baseline},
                now, service_, names_, record->before());
  for (const JudgedRule& rule : gate_->rules()) rulings_.erase(&rule.rule());
  // What was decided on a rule that goes on firing was about another candidate.
  for (auto& [rule, ruling] : rulings_) ruling = {};
  guards_.reset();
  if (!callers_.empty()) guards_.emplace(callers_, record->before(), now);
  pause_.reset();
  lost_evidence_.emplace(now);
  end_of_bake_.emplace(service_.evidence, now);
  PairedEvidence& paired = *service_.evidence.paired;
  paired.strays().begin(service_.failures_beside(paired.candidate(), paired.baseline(), now),
                        service_.plan.rollout.warm_up);
  service_.evidence.usual_misnamed = service_.misnamed_beside(paired.candidate(), now);
  paired.misnamed().are_usual(service_.evidence.usual_misnamed);
  paired.misnamed().begin(paired.start() + service_.plan.rollout.warm_up);
  if (service_.plan.rollout.is_judged_by_default) {
    judgement_.emplace(*service_.evidence.paired,
                       RolloutJudgement::Versions{status.candidate, status.baseline},
                       service_.plan.rollout.limits);
    if (service_.have_invocations_failed(paired.baseline(), now)) judgement_->excuse_invocations();
    judgement_->clients_were(service_.clients_of(paired.baseline()));
    std::optional<double> percent = live_percent();
    if (status.is_driving && record->has_begun()) percent = record->step().percent;
    judgement_->begin_step(service_.evidence.paired->start(),
                           percent ? std::optional(*percent / 100) : std::nullopt);
    queues_.emplace(service_.plan.rollout.limits, record->queues_before());
    const RuleBefore* before = errors_in(record->before(), service_);
    if (before != nullptr && before->truth == Truth::bad && !before->evidence.empty())
      judgement_->was_bad_before(before->evidence.front().value);
  }
  record->keep_before(before_by_now(*gate_, guards_, record->before(), service_));
  ++service_.epoch;
}

std::optional<RolloutNumbers> Rollout::numbers(Instant now) const {
  const auto& paired = service_.evidence.paired;
  if (!gate_ || paired == nullptr) return std::nullopt;
  return numbers_of(*paired, now, names_);
}

}  // namespace belay::rules
