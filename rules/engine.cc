#include "rules/engine.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/engine_state.h"
#include "rules/event_time.h"
#include "rules/rollout/journal_text.h"
#include "rules/rollout/notices.h"

namespace belay::rules {
namespace {

Instant whole_second(Instant at) { return std::chrono::floor<std::chrono::seconds>(at); }

constexpr Duration kCheckEvery = std::chrono::seconds{1};
/// How many events ahead their places in memory are asked for.
constexpr std::size_t kAhead = 6;

/// What an operator forbids until a time: actions, or the messages of a rule.
template <typename Brake>
JournalEntry brake_entry(JournalEntry::Kind kind, Instant at, const Brake& brake,
                         const std::string& rule) {
  return {.kind = kind,
          .at = at,
          .service = brake.service,
          .rule = rule,
          .intent = "",
          .text = JsonText().field("until_ms", unix_ms(brake.until)).field("by", brake.by).take()};
}

}  // namespace

/// Each check sees the evidence from before it, and nothing from after it: the events of a step
/// that spans several checks are dealt out to them by their time, otherwise in the order they came.
struct Engine::State::Schedule {
  Schedule(Instant before, Instant now, std::span<const Event> events) {
    first_check = whole_second(before) + kCheckEvery;
    checks = now < first_check
                 ? 0
                 : static_cast<std::size_t>((whole_second(now) - first_check) / kCheckEvery) + 1;
    if (checks == 0) return;
    std::vector<std::uint32_t> group(events.size());
    ends.assign(checks + 1, 0);
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Instant at = time_of(events[i]).value_or(Instant::min());
      const Duration after = std::max(at, first_check - kCheckEvery) - (first_check - kCheckEvery);
      group[i] = static_cast<std::uint32_t>(
          std::min<std::size_t>(checks, static_cast<std::size_t>(after / kCheckEvery)));
      ++ends[group[i]];
    }
    for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
    std::vector<std::size_t> next(ends.size(), 0);
    for (std::size_t i = 1; i < ends.size(); ++i) next[i] = ends[i - 1];
    order.resize(events.size());
    for (std::size_t i = 0; i < events.size(); ++i)
      order[next[group[i]]++] = static_cast<std::uint32_t>(i);
  }

  Instant first_check;
  std::size_t checks = 0;
  std::vector<std::size_t> ends;  // Of each check's events in `order`; the last: after them all.
  std::vector<std::uint32_t> order;
};

Engine::State::State(Plan plan, Instant start, Remembered remembered)
    : plan_(std::move(plan)),
      now_(start),
      earliest_(start),
      clock_(start),
      buckets_(start),
      book_(remembered, start),
      silences_(remembered.silenced),
      start_(start) {
  for (const SourcePlan& source : plan_.sources)
    sources_.push_back(std::make_unique<SourceRecord>(source, start));
  for (const ServicePlan& service : plan_.services) add_service(service, start);
  // A name is the service's own before it is anybody's alias.
  for (std::uint32_t i = 0; i < services_.size(); ++i)
    for (const std::string& alias : services_[i]->plan.aliases) name_service(i, alias);
  add_left_over(remembered, start);
  // A brake that was put on while no daemon ran may name a service as its platform does. The newest
  // word counts, under whichever name.
  std::vector<Disarmed> disarmed = remembered.disarmed;
  std::stable_sort(disarmed.begin(), disarmed.end(),
                   [](const Disarmed& left, const Disarmed& right) { return left.at < right.at; });
  for (const Disarmed& one : disarmed) book_.disarm(named_as_here(one));
  for (const std::unique_ptr<Service>& service : services_) assign_sources(*service);
  for (const std::unique_ptr<Service>& service : services_) service->bind(start);
  is_lost_.assign(sources_.size(), false);
  introduce();
  for (const std::unique_ptr<Rollout>& rollout : rollouts_)
    rollout->remember(remembered, start, out_);
  for (const auto& [key, members] : trains()) {
    // What ended only now stood in no life before in anybody's way.
    const bool is_news = std::ranges::any_of(
        members, [&](const TrainMember& member) { return member.ended == start; });
    if (is_news) continue;
    for (const TrainTurn& turn : turns_of(members))
      if (turn.kind == TrainTurn::Kind::stranded) told_stranded_.insert(turn.rollout);
  }
}

/// What a rollout requires of others is looked up where all are known.
void Engine::State::look_up_requirements(Instant at) {
  for (const std::unique_ptr<Rollout>& rollout : rollouts_) {
    const std::optional<Rollout::Wanted> wanted = rollout->wanted();
    if (!wanted) continue;
    std::vector<std::string> unmet;
    for (const Requirement& requirement : wanted->requirements) {
      const bool is_met = std::any_of(rollouts_.begin(), rollouts_.end(), [&](const auto& other) {
        return other != rollout && other->meets(requirement, wanted->commit, at);
      });
      if (!is_met)
        unmet.push_back("it has not passed in " + requirement.environment +
                        (requirement.is_same_commit ? " with the same commit" : "") + " for " +
                        format_duration(requirement.passed) +
                        (requirement.is_same_commit && wanted->commit.empty()
                             ? " (nobody has said which commit it is)"
                             : ""));
    }
    rollout->set_unmet(std::move(unmet));
  }
}

void Engine::State::take(const Event& event) {
  if (const auto* request = std::get_if<Request>(&event)) return take(*request);
  std::visit([this](const auto& one) { take(unboxed(one)); }, event);
}

/// An event that is taken soon: what it will touch is far away in memory, and can come meanwhile.
void Engine::State::expect(const Event& event) const {
  const auto* request = std::get_if<Request>(&event);
  if (request == nullptr) return;
  const auto index = static_cast<std::size_t>(request->source);
  if (index < sources_.size()) sources_[index]->expect(request->fingerprint);
  cells_.expect(CellKey(*request));
}

Service* Engine::State::service_named(const std::string& name) {
  const auto found = service_by_name_.find(name);
  return found == service_by_name_.end() ? nullptr : services_[found->second].get();
}

void Engine::State::take(const Deployment& deployment) {
  if (const auto found = service_by_name_.find(deployment.service); found != service_by_name_.end())
    rollouts_[found->second]->deployed(deployment, clock_, out_);
}

void Engine::State::take(const RolloutStarted& gate) {
  std::uint32_t found = 0;
  if (find_service_named(gate.service, found) == Refusal::none) {
    rollouts_[found]->start(joined(gate), clock_, out_);
    if (!gate.train.empty()) run_trains(clock_);
    return;
  }
  Teller(out_, gate.service, gate.candidate, gate.baseline, clock_)
      .rollout_ended(Outcome::unknown, "there is no such service", {}, true);
}

void Engine::State::take(const OperatorCommand& command) {
  if (!command.train.empty()) return abort_train(command);
  for (const std::unique_ptr<Rollout>& rollout : rollouts_)
    if (rollout->command(command, clock_, out_)) return;
  Teller(out_, "", "", "", clock_).commanded(command, "there is no such rollout");
}

/// One of a rollout that is gone by now is not waited for.
void Engine::State::take(const PreflightDone& done) {
  for (const std::unique_ptr<Rollout>& rollout : rollouts_)
    if (rollout->answered(done, clock_, out_)) return;
}

void Engine::State::take(const Silenced& silenced) {
  const Silenced named = named_as_here(silenced);
  silences_.silence(named);
  out_.journal.push_back(brake_entry(JournalEntry::Kind::silenced, clock_, named, named.rule));
}

void Engine::State::take(const Disarmed& disarmed) {
  const Disarmed named = named_as_here(disarmed);
  book_.disarm(named);
  out_.journal.push_back(brake_entry(JournalEntry::Kind::disarmed, clock_, named, ""));
}

void Engine::State::take(const ActionOutcome& outcome) {
  const std::optional<std::string> service = book_.service_of_open(outcome.intent);
  if (!service) return;  // Phases only go forward: what is over has had its outcome.
  // Whoever ordered it, also if that name is another one's alias by now.
  if (const std::optional<std::size_t> index = index_of(*service)) {
    rollouts_[*index]->outcome(outcome, clock_, out_);
    return;
  }
  // Of a service that is no longer in the plan: the record is all that is left to keep.
  Teller(out_, *service, "", "", clock_).outcome(outcome, "");
  if (is_final(outcome.phase)) book_.end(outcome.intent, outcome.phase);
}

void Engine::State::check(Instant at) {
  settle_sources(at);
  notice_sources(at);
  look_up_requirements(at);
  for (std::size_t i = 0; i < services_.size(); ++i) {
    services_[i]->has_news = false;
    services_[i]->forget_old_requests(at);
    if (PairedEvidence* paired = services_[i]->evidence.paired.get())
      paired->advance(at, services_[i]->evidence.lag_of(SourceKind::log, at));
    rollouts_[i]->judge(at, true, out_);
  }
  run_trains(at);
}

void Engine::State::glance(Instant at) {
  settle_sources(at);
  for (std::size_t i = 0; i < services_.size(); ++i)
    if (std::exchange(services_[i]->has_news, false)) rollouts_[i]->judge(at, false, out_);
}

Step Engine::State::step(Instant now, std::span<const Event> events) {
  BELAY_CHECK(now >= now_, "engine time goes back");
  const Schedule schedule(now_, now, events);
  earliest_ = now_;
  now_ = now;
  ++steps_total_;
  events_total_ += events.size();
  std::size_t next = 0;
  for (std::size_t i = 0; i < schedule.checks; ++i) {
    const Instant at = schedule.first_check + kCheckEvery * static_cast<std::int64_t>(i);
    clock_ = std::max(earliest_, at - kCheckEvery);
    buckets_ = TimeBuckets(clock_);
    for (; next < schedule.ends[i]; ++next) {
      if (next + kAhead < schedule.order.size()) expect(events[schedule.order[next + kAhead]]);
      take(events[schedule.order[next]]);
    }
    clock_ = at;
    check(at);
  }
  clock_ = now;
  buckets_ = TimeBuckets(now);
  if (schedule.checks == 0) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (i + kAhead < events.size()) expect(events[i + kAhead]);
      take(events[i]);
    }
  } else {
    for (; next < events.size(); ++next) take(events[schedule.order[next]]);
  }
  glance(now);
  for (const std::unique_ptr<Rollout>& rollout : rollouts_) rollout->recall(now, out_);
  silences_.drop_silent(out_.notices, now);
  return std::exchange(out_, Step{});
}

bool Engine::State::has_firing_rule() const {
  return std::any_of(rollouts_.begin(), rollouts_.end(),
                     [](const auto& rollout) { return rollout->has_firing_rule(); });
}

Engine::Engine(Plan plan, Instant start, Remembered remembered)
    : state_(std::make_unique<State>(std::move(plan), start, std::move(remembered))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Step Engine::step(Instant now, std::span<const Event> events) { return state_->step(now, events); }
Snapshot Engine::snapshot() const { return state_->snapshot(); }
bool Engine::has_firing_rule() const { return state_->has_firing_rule(); }

}  // namespace belay::rules
