#include "rules/rollout/rollout_record.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "rules/rollout/journal_text.h"
#include "rules/rollout/train.h"

namespace belay::rules {
namespace {

RolloutStatus status_of(const RolloutStarted& started, const std::string& service, Mode mode) {
  RolloutStatus status;
  status.id = started.id;
  status.service = service;
  status.candidate = started.candidate;
  status.baseline = started.baseline;
  status.mode = started.mode.value_or(mode);
  status.is_driving = started.is_driving;
  status.is_irreversible = started.is_irreversible;
  status.train = started.train;
  status.after = started.after.value_or(std::vector<std::string>{});
  status.takes_all_back = started.takes_all_back.value_or(false);
  status.train_began = started.train_began;
  status.commit = started.commit;
  status.committed_at = started.committed_at;
  status.by = started.by;
  status.steps = started.steps;
  status.started = started.at;
  return status;
}

JsonText text_of(const RolloutStatus& status) {
  JsonText text;
  text.field("rollout", status.id)
      .field("candidate", status.candidate)
      .field("baseline", status.baseline);
  return text;
}

/// Nothing where nothing was seen.
std::optional<JsonText> text_of(const TrafficSeen& traffic) {
  if (traffic.deployment.empty() && traffic.shares.empty() && traffic.at_start.empty())
    return std::nullopt;
  JsonText text;
  text.field("deployment", traffic.deployment)
      .field("shares", traffic.shares)
      .field("at_start", traffic.at_start)
      .field("was_live", traffic.was_live);
  return text;
}

std::string words_of(const Deployment& deployment) {
  std::string words = "the platform shows ";
  for (const Deployment::Share& share : deployment.versions) {
    if (&share != &deployment.versions.front()) words += ", ";
    words += words_of(share);
  }
  return words;
}

/// What failed it, as far as its last move says. Where it has got further, that is about something
/// else.
std::string words_of_fail(const RolloutStatus& status) {
  if (status.state == RolloutState::failed || status.state == RolloutState::rolling_back)
    return status.why;
  if (status.rule == kByHand) return "rolled back by hand";
  if (status.rule == kTrainRule) return "its train failed";
  return status.rule + " fired";
}

Outcome outcome_of(RolloutState state, Outcome before) {
  switch (state) {
    case RolloutState::promoted:
      return Outcome::pass;
    case RolloutState::failed:
    case RolloutState::rolling_back:
    case RolloutState::verifying:
    case RolloutState::recovered:
    case RolloutState::not_recovered:
      return Outcome::fail;
    case RolloutState::inconclusive:
    case RolloutState::superseded:
      return before == Outcome::fail ? Outcome::fail : Outcome::unknown;
    default:
      return Outcome::unknown;
  }
}

}  // namespace

RolloutRecord::RolloutRecord(const RolloutStarted& started, const std::string& service, Mode mode,
                             Instant now, Step& out)
    : status_(status_of(started, service, mode)),
      began_in_(status_.mode),
      is_mode_asked_(started.mode.has_value()) {
  BELAY_CHECK(!status_.steps.empty(), "a rollout without steps");
  JsonText text = text_of(status_);
  text.field("steps", steps_text(status_.steps))
      .field("driving", status_.is_driving)
      .field("irreversible", status_.is_irreversible)
      .field("train", status_.train)
      .field("commit", status_.commit)
      .field("by", status_.by);
  if (!status_.train.empty())
    text.field("after", status_.after)
        .field("takes_all_back", status_.takes_all_back)
        .field("train_began_ms", unix_ms(status_.train_began.value_or(status_.started)));
  if (status_.committed_at) text.field("committed_at_ms", unix_ms(*status_.committed_at));
  text.field("mode", name_of(status_.mode)).field("mode_asked", is_mode_asked_);
  out.journal.push_back({.kind = JournalEntry::Kind::rollout_started,
                         .at = started.at,
                         .service = service,
                         .rule = "",
                         .intent = "",
                         .text = text.take(),
                         .rollout = status_.id});
  set_ends();
  note("begins", now);
}

RolloutRecord::RolloutRecord(const RememberedRollout& remembered, const std::string& service,
                             Mode of_service)
    : status_(status_of(remembered.started, service, of_service)),
      began_in_(status_.mode),
      is_mode_asked_(remembered.is_mode_asked),
      is_paused_(remembered.is_paused),
      is_approved_(remembered.is_approved),
      before_(remembered.before),
      is_before_believed_(!before_.empty()),
      queues_before_(remembered.queues_before),
      traffic_(remembered.traffic) {
  follow_mode(of_service);
  status_.rule = remembered.rule;
  status_.comparison = remembered.numbers;
  if (status_.steps.empty()) status_.steps = default_steps();
  status_.state = remembered.state;
  status_.held = remembered.held;
  status_.step = std::min(remembered.step, status_.steps.size() - 1);
  // Whoever looks before the first step has not begun it.
  if (status_.state != RolloutState::pending && status_.state != RolloutState::preflight)
    status_.step_started = remembered.step_started;
  status_.verdict = remembered.verdict;
  status_.why = remembered.why;
  if (status_.verdict == Outcome::fail) failed_by_ = words_of_fail(status_);
  // What was seen of it after its promotion is no fail of its rollout.
  if (status_.state != RolloutState::promoted) status_.failing_since = remembered.failing_since;
  status_.intents = remembered.intents;
  if (is_final(status_.state)) status_.ended = remembered.at;
  is_counted_ = is_final(status_.state);
  set_ends();
  note("remembered: " + std::string(name_of(status_.state)) +
           (status_.why.empty() ? "" : ", " + status_.why),
       remembered.at);
}

void RolloutRecord::remember_fail(const std::string& why) {
  failed_by_ = why;
  status_.timeline.insert(status_.timeline.begin(), {.at = status_.timeline.front().at,
                                                     .state = RolloutState::rolling_back,
                                                     .step = status_.step,
                                                     .what = why});
}

/// Whoever lowered the mode of the service since then wants less to be done, here too.
void RolloutRecord::follow_mode(Mode of_service) {
  status_.mode = is_mode_asked_ ? began_in_ : std::min(began_in_, of_service);
}

bool RolloutRecord::ends_at_maximum() const {
  return status_.steps.size() == 1 && step().bake_max == step().bake;
}

void RolloutRecord::set_ends() {
  status_.ends =
      status_.ended.value_or((has_begun() ? status_.step_started : status_.started) + step().bake);
}

void RolloutRecord::note(const std::string& what, Instant now) {
  if (status_.timeline.size() >= RolloutStatus::kTimelineMax)
    status_.timeline.erase(status_.timeline.begin() + 1);  // Its beginning stays.
  status_.timeline.push_back(
      {.at = now, .state = status_.state, .step = status_.step, .what = what});
}

void RolloutRecord::entry(JournalEntry::Kind kind, Instant now, Step& out,
                          const std::string& restated) {
  JsonText text = text_of(status_);
  text.field("state", name_of(status_.state));
  if (status_.held) text.field("held", name_of(*status_.held));
  text.field("step", static_cast<std::int64_t>(status_.step))
      .field("step_started_ms", unix_ms(status_.step_started))
      .field("paused", is_paused_)
      .field("approved", is_approved_)
      .field("rule", status_.rule)
      .field("verdict", name_of(status_.verdict))
      .field("why", status_.why);
  if (!restated.empty()) text.field("restated", restated);
  if (const std::optional<JsonText> traffic = text_of(traffic_)) text.field("traffic", *traffic);
  is_traffic_journaled_ = true;
  if (!is_final(status_.state)) {
    text.field("before", before_);
    text.field("queues_before", queues_before_);
  }
  if (!is_judged(status_.state) && status_.comparison) text.field("numbers", *status_.comparison);
  if (status_.failing_since) text.field("failing_since_ms", unix_ms(*status_.failing_since));
  // Whoever counts what ended needs not look for its beginning.
  const bool is_end = kind == JournalEntry::Kind::rollout_ended;
  if (is_end && status_.committed_at) text.field("committed_at_ms", unix_ms(*status_.committed_at));
  out.journal.push_back({.kind = kind,
                         .at = now,
                         .service = status_.service,
                         .rule = status_.rule,
                         .intent = "",
                         .text = text.take(),
                         .rollout = status_.id});
}

void RolloutRecord::forget_before() {
  before_.clear();
  queues_before_.clear();
  is_before_believed_ = false;
}

void RolloutRecord::failing_since(Instant since) {
  if (!status_.failing_since) status_.failing_since = std::max(since, status_.started);
}

bool RolloutRecord::take_ended() {
  return is_final(status_.state) && !std::exchange(is_counted_, true);
}

void RolloutRecord::move(RolloutState state, const std::string& why, Instant now, Step& out) {
  BELAY_CHECK(may_follow(status_.state, state), "a rollout cannot go from one state to the other");
  enter(state, why, now, out);
}

void RolloutRecord::take_back(RolloutState state, const std::string& why, Instant now, Step& out) {
  BELAY_CHECK(status_.state == RolloutState::promoted && !status_.train.empty(),
              "only a train takes back, and only what was promoted");
  BELAY_CHECK(state == RolloutState::rolling_back || state == RolloutState::failed ||
                  state == RolloutState::superseded,
              "what is taken back cannot become this");
  status_.ended.reset();
  enter(state, why, now, out);
}

void RolloutRecord::wait(const std::string& why, Instant now) {
  if (status_.why == why) return;
  status_.why = why;
  note(why, now);
}

void RolloutRecord::enter(RolloutState state, const std::string& why, Instant now, Step& out) {
  status_.verdict = outcome_of(state, outcome_of(status_.state, Outcome::unknown));
  status_.state = state;
  status_.held.reset();
  status_.why = why;
  if (status_.verdict == Outcome::fail && failed_by_.empty()) failed_by_ = why;
  if (!is_judged(state)) status_.unknown.reset();
  if (is_final(state)) status_.ended = now;
  if (!is_judged(state)) status_.ends = now;
  note(why, now);
  entry(is_final(state) ? JournalEntry::Kind::rollout_ended : JournalEntry::Kind::rollout_moved,
        now, out);
}

void RolloutRecord::restate(const std::string& what, Instant now, Step& out) {
  note(what, now);
  entry(JournalEntry::Kind::rollout_moved, now, out, what);
}

void RolloutRecord::see_traffic(const Deployment& reading, const LiveTraffic& traffic) {
  TrafficSeen seen = traffic_;
  seen.deployment = reading.id;
  seen.at_start = traffic.at_start();
  seen.was_live = traffic.was_candidate_live();
  // What it had, and not what was left of it, says what its requests were to be.
  if (is_judged(status_.state) && traffic.reading()) seen.shares = traffic.reading()->versions;
  const bool is_new = seen.deployment != traffic_.deployment ||
                      seen.at_start != traffic_.at_start || seen.was_live != traffic_.was_live;
  is_traffic_journaled_ = is_traffic_journaled_ && !is_new;
  traffic_ = std::move(seen);
}

void RolloutRecord::journal_traffic(const Deployment& reading, Instant now, Step& out) {
  if (!is_traffic_journaled_ && !is_final(status_.state)) restate(words_of(reading), now, out);
}

void RolloutRecord::hold(HoldReason reason, const std::string& why, Instant now, Step& out) {
  BELAY_CHECK(may_follow(status_.state, RolloutState::held), "a rollout that cannot be held");
  status_.state = RolloutState::held;
  status_.held = reason;
  status_.verdict = Outcome::unknown;
  status_.why = why;
  note(std::string(name_of(reason)) + ": " + why, now);
  entry(JournalEntry::Kind::rollout_moved, now, out);
}

void RolloutRecord::begin_step(std::size_t step, const std::string& why, Instant now, Step& out) {
  status_.step = step;
  status_.step_started = now;
  is_approved_ = false;
  move(RolloutState::baking, why, now, out);
  set_ends();
}

void RolloutRecord::restart_bake(Instant now) {
  if (has_begun()) status_.step_started = now;
  set_ends();
}

}  // namespace belay::rules
