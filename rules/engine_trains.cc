// Trains: who belongs to which, and whose turn it is. rollout/train.h decides; every turn is taken
// by the rollout itself.

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/engine_state.h"
#include "rules/rollout/notices.h"

namespace belay::rules {
namespace {

/// How long after its last rollout has ended a train may still be joined by its name.
constexpr Duration kOpenAfterwards = std::chrono::hours{1};

bool is_open(const TrainMember& member) { return !is_final(member.state); }

Instant last_end(const std::vector<TrainMember>& train) {
  Instant last = Instant::min();
  for (const TrainMember& member : train) last = std::max(last, member.ended.value_or(last));
  return last;
}

/// Why nobody goes on with a rollout of a service; `name`: what it is called now, if anything.
std::string why_left_over(const std::string& name) {
  return name.empty() ? "its service is not in the configuration"
                      : "its service is called " + name + " since Belay was restarted";
}

}  // namespace

Trains Engine::State::trains() const {
  Trains trains;
  for (const std::unique_ptr<Rollout>& rollout : rollouts_) rollout->add_to(trains, clock_);
  return trains;
}

std::optional<std::string> Engine::State::open_train_of(const std::string& service) const {
  for (const auto& [key, members] : trains())
    if (std::ranges::any_of(members, is_open) &&
        std::ranges::find(members, service, &TrainMember::service) != members.end())
      return key.first;
  return std::nullopt;
}

void Engine::State::add_left_over(const Remembered& remembered, Instant start) {
  std::set<TrainKey> unsettled;
  const auto key_of = [](const RememberedRollout& one) {
    return TrainKey(one.started.train, one.started.train_began.value_or(one.started.at));
  };
  for (const RememberedRollout& one : remembered.rollouts) {
    const bool takes_back =
        one.verdict == Outcome::fail && one.started.takes_all_back.value_or(false);
    if (!is_final(one.state) || (!one.started.train.empty() && takes_back))
      unsettled.insert(key_of(one));
  }
  for (const RememberedRollout& one : remembered.rollouts) {
    const std::string& name = one.started.service;
    if (!unsettled.contains(key_of(one)) || index_of(name)) continue;
    const auto found = service_by_name_.find(name);
    const std::string renamed =
        found == service_by_name_.end() ? "" : services_[found->second]->plan.name;
    left_over_.push_back({.name = name, .mode = Mode::observe});
    add_service(left_over_.back(), start);
    rollouts_.back()->leave_over(why_left_over(renamed));
  }
}

const Trains::value_type* Engine::State::newest_train(const Trains& trains,
                                                      const std::string& name) {
  const Trains::value_type* newest = nullptr;
  for (const Trains::value_type& train : trains)
    if (train.first.first == name) newest = &train;  // In the order of their beginnings.
  return newest;
}

/// The train that a rollout joins by its name, if one is open; else it begins another.
RolloutStarted Engine::State::joined(const RolloutStarted& asked) const {
  RolloutStarted started = asked;
  if (asked.train.empty() || asked.train_began) return started;
  const Trains all = trains();
  const Trains::value_type* train = newest_train(all, asked.train);
  if (train == nullptr) return started;
  const std::vector<TrainMember>& members = train->second;
  const bool goes_on = std::any_of(members.begin(), members.end(), is_open) ||
                       clock_ - last_end(members) < kOpenAfterwards;
  if (goes_on) started.train_began = train->first.second;
  return started;
}

std::optional<std::string> Engine::State::why_no_train(const TrainStarted& asked) {
  std::map<std::string, std::vector<std::string>> after;
  for (const RolloutStarted& one : asked.rollouts) {
    std::uint32_t found = 0;
    if (find_service_named(one.service, found) != Refusal::none)
      return "there is no service " + sanitize(one.service);
    const ServicePlan& plan = services_[found]->plan;
    if (!after.emplace(plan.name, one.after.value_or(plan.after)).second)
      return plan.name + " is in it twice";
    if (const std::optional<std::string> busy = rollouts_[found]->why_busy())
      return plan.name + " " + *busy;
    if (const std::string why = rollouts_[found]->why_not_start(one); !why.empty())
      return plan.name + ": " + why;
  }
  for (auto& [service, before] : after)
    std::erase_if(before, [&](const std::string& one) { return !after.contains(one); });
  const std::vector<std::string> cycle = cycle_in(after);
  if (!cycle.empty()) return "they wait for each other: " + words_of_cycle(cycle);
  if (asked.rollouts.empty()) return "there is no rollout in it";
  const Trains all = trains();
  const Trains::value_type* same = newest_train(all, asked.name);
  if (same != nullptr && std::any_of(same->second.begin(), same->second.end(), is_open))
    return "a train of this name is under way";
  return std::nullopt;
}

void Engine::State::take(const TrainStarted& train) {
  const Trains known = trains();
  const bool is_known = std::any_of(known.begin(), known.end(), [&](const auto& one) {
    return std::any_of(one.second.begin(), one.second.end(), [&](const TrainMember& member) {
      return std::any_of(train.rollouts.begin(), train.rollouts.end(),
                         [&](const auto& asked) { return asked.id == member.rollout; });
    });
  });
  if (is_known) return;  // The same request again.
  if (const std::optional<std::string> why = why_no_train(train)) {
    Teller(out_, "", "", "", clock_)
        .notice(Notice::Kind::not_acted, false,
                "the train " + sanitize(train.name) + " does not begin: " + *why);
    return;
  }
  for (RolloutStarted one : train.rollouts) {
    std::uint32_t found = 0;
    if (find_service_named(one.service, found) != Refusal::none) continue;
    one.train = train.name;
    one.train_began = clock_;
    rollouts_[found]->start(one, clock_, out_);
  }
  run_trains(clock_);
}

/// All that are still judged; what has begun to be rolled back goes on.
void Engine::State::abort_train(const OperatorCommand& command) {
  const Trains all = trains();
  const Trains::value_type* train = newest_train(all, command.train);
  bool is_done = false;
  for (const TrainMember& member : train == nullptr ? std::vector<TrainMember>{} : train->second) {
    if (!is_judged(member.state) || command.kind != OperatorCommand::Kind::abort) continue;
    OperatorCommand one = command;
    one.rollout = member.rollout;
    one.train.clear();
    take(one);
    is_done = true;
  }
  if (!is_done)
    Teller(out_, "", "", "", clock_)
        .commanded(command, "no rollout of such a train is judged; a train can be aborted");
}

void Engine::State::run_trains(Instant at) {
  const Trains all = trains();
  for (const auto& [key, members] : all) {
    const std::optional<std::string> why = why_stopped(members);
    for (const TrainMember& member : members)
      if (is_judged(member.state)) rollout_of(member.service).stop_with_train(why);
    for (const TrainTurn& turn : turns_of(members)) {
      const bool is_told =
          turn.kind == TrainTurn::Kind::stranded && !told_stranded_.insert(turn.rollout).second;
      if (!is_told) rollout_of(turn.service).take_turn(turn, at, out_);
    }
  }
}

void Engine::State::introduce() {
  for (std::size_t i = 0; i < services_.size(); ++i) {
    std::vector<Guard> callers;
    for (const std::string& name : services_[i]->plan.guards) {
      Guard guard{.name = name};
      if (const auto found = service_by_name_.find(name); found != service_by_name_.end()) {
        guard.service = services_[found->second].get();
        guard.rollout = rollouts_[found->second].get();
      }
      callers.push_back(std::move(guard));
    }
    std::vector<const Rollout*> callees;
    for (std::size_t j = 0; j < services_.size(); ++j) {
      const std::vector<std::string>& guards = services_[j]->plan.guards;
      if (std::find(guards.begin(), guards.end(), services_[i]->plan.name) != guards.end())
        callees.push_back(rollouts_[j].get());
    }
    rollouts_[i]->meet(std::move(callers), std::move(callees));
  }
}

std::optional<std::size_t> Engine::State::index_of(const std::string& service) const {
  const auto found = std::ranges::find(
      services_, service, [](const auto& one) -> const std::string& { return one->plan.name; });
  if (found == services_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - services_.begin());
}

Rollout& Engine::State::rollout_of(const std::string& service) {
  const std::optional<std::size_t> index = index_of(service);
  BELAY_CHECK(index, "who is in a train is a service");
  return *rollouts_[*index];
}

}  // namespace belay::rules
