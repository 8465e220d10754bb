#include "tests/simulation/rollout_witness.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "monitor/journal_text.h"
#include "monitor/rollout_text.h"
#include "rules/rollout/preflight.h"

namespace belay::simulation {

using rules::JournalEntry;
using rules::RolloutState;
using namespace std::chrono_literals;

namespace {

/// What slewing and whole seconds may take from a bake.
constexpr Duration kSlack = 1s;
/// A decision that is told so much later was made in another world.
constexpr Duration kFresh = 2s;

}  // namespace

const rules::ServicePlan& RolloutWitness::plan_of(const std::string& service) const {
  const auto found = std::ranges::find(plan_.services, service, &rules::ServicePlan::name);
  BELAY_CHECK(found != plan_.services.end(), "a service that nobody planned");
  return *found;
}

const rules::RolloutStarted* RolloutWitness::find(const std::string& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? nullptr : &found->second.is.started;
}

bool RolloutWitness::is_promoted(const std::string& id) const {
  const auto found = known_.find(id);
  return found != known_.end() && found->second.is.state == RolloutState::promoted;
}

void RolloutWitness::life_begins(const rules::Remembered& remembered, Instant now) {
  answers_.clear();
  for (const rules::Disarmed& one : remembered.disarmed) disarmed_until_[one.service] = one.until;
  for (const rules::RememberedRollout& one : remembered.rollouts) {
    Known& known = known_[one.started.id];
    known.is = one;
    known.has_begun = one.state != RolloutState::pending && one.state != RolloutState::preflight &&
                      unix_ms(one.step_started) != 0;
    newest_[one.started.service] = one.started.id;
  }
  for (auto& [id, known] : known_) {
    known.since = known.began = now;
    known.is_spared = false;
  }
}

void RolloutWitness::recorded(const std::vector<JournalEntry>& entries, Instant now) {
  passages_.clear();
  for (const JournalEntry& entry : entries) {
    switch (entry.kind) {
      case JournalEntry::Kind::rollout_started: {
        const auto begun = monitor::rollout_of(entry);
        if (!begun.ok()) break;
        Known known;
        known.is = *begun;
        known.since = known.began = begun->at;
        const std::string& id = begun->started.id;
        story_.demand(known_.emplace(id, std::move(known)).second, "8 (phases only go forward)",
                      id + " began twice");
        newest_[entry.service] = id;
        break;
      }
      case JournalEntry::Kind::rollout_moved:
      case JournalEntry::Kind::rollout_ended:
        follow(entry);
        break;
      case JournalEntry::Kind::commanded:
        follow_command(entry);
        break;
      case JournalEntry::Kind::intent:
        follow_intent(entry);
        break;
      case JournalEntry::Kind::disarmed:
        if (const auto disarmed = monitor::disarmed_of(entry); disarmed.ok())
          disarmed_until_[entry.service] = disarmed->until;
        break;
      default:
        break;
    }
  }
  for (const Passage& passage : passages_) check(passage, now);
  for (const std::string& id : std::exchange(superseded_, {})) {
    const Known& known = known_.at(id);
    const rules::RolloutStarted& started = known.is.started;
    const auto asked = asked_.find(id);
    const bool is_disturbed =
        asked != asked_.end() && truths_.was_disturbed(started, asked->second);
    story_.demand(newest_[started.service] != id || is_disturbed,
                  "22 (superseded only by somebody)", id + ": " + known.is.why);
  }
  for (const std::string& id : std::exchange(helped_, {})) check_recovered(known_.at(id), now);
}

void RolloutWitness::check_recovered(const Known& known, Instant now) {
  if (now - known.is.at > kFresh) return;
  const rules::RolloutStarted& started = known.is.started;
  const std::optional<std::string> why =
      truths_.why_not_recovered(started.service, started.candidate);
  story_.demand(!why, "24 (recovered only from what has lost its traffic)",
                started.id + ": " + why.value_or(""));
}

void RolloutWitness::follow(const JournalEntry& entry) {
  const std::string id = monitor::rollout_marks_of(entry).rollout;
  const auto found = known_.find(id);
  if (found == known_.end()) return;
  Known& known = found->second;
  const rules::RememberedRollout before = known.is;
  if (!monitor::follow(entry, known.is).ok()) return;
  const RolloutState state = known.is.state;
  if (entry.text.find("\"restated\":") != std::string::npos)
    return story_.demand(before.state == state, "8 (phases only go forward)",
                         id + " restated another state");
  story_.demand(rules::may_follow(before.state, state), "8 (phases only go forward)",
                id + " went from " + std::string(name_of(before.state)) + " to " +
                    std::string(name_of(state)));
  if (state == RolloutState::promoted)
    passages_.push_back({.id = id, .step = known.is.step, .at = entry.at});
  if (state == RolloutState::superseded) superseded_.push_back(id);
  if (state == RolloutState::recovered) helped_.push_back(id);
  if (state != RolloutState::baking) return;
  // An entry that only says when a restart began the bake anew comes later than the restart.
  if (known.has_begun && known.is.step == before.step) return;
  known.has_begun = true;
  known.began = entry.at;
}

void RolloutWitness::follow_command(const JournalEntry& entry) {
  const auto text = nlohmann::json::parse(entry.text, nullptr, false);
  if (!text.is_object()) return;
  const std::string by = text.value("by", "");
  story_.demand(said_.contains(by), "16 (only what has passed gets more traffic)",
                "nobody said " + text.value("command", ""));
  if (text.value("command", "") != "promote" || text.value("answer", "") != "done") return;
  if (const auto known = known_.find(text.value("rollout", "")); known != known_.end())
    known->second.is_spared = true;
  for (Passage& passage : passages_)
    if (passage.id == text.value("rollout", "") && said_.contains(by)) passage.is_by_hand = true;
}

void RolloutWitness::follow_intent(const JournalEntry& entry) {
  const auto order = monitor::order_of(entry);
  if (!order.ok()) return;
  const auto found = known_.find(order->rollout);
  if (found == known_.end()) return;
  Known& known = found->second;
  const rules::RolloutStarted& started = known.is.started;
  if (std::holds_alternative<rules::RollBack>(order->action)) {
    story_.demand(known.is.state != RolloutState::promoted,
                  "9 (never both promoted and rolled back)", started.id);
    return;
  }
  const auto* move = std::get_if<rules::MoveTraffic>(&order->action);
  if (move == nullptr) return;
  const std::size_t step = known.has_begun ? known.is.step + 1 : 0;
  story_.demand(started.is_driving && step < started.steps.size() &&
                    move->percent == started.steps[step].percent &&
                    move->candidate == started.candidate && move->baseline == started.baseline,
                "16 (only what has passed gets more traffic)",
                order->intent + " is not the next step of " + started.id);
  passages_.push_back({.id = started.id,
                       .step = known.is.step,
                       .is_first = !known.has_begun,
                       .is_move = true,
                       .at = entry.at});
}

void RolloutWitness::check_bake(const Known& known, const Passage& passage) {
  const rules::RolloutStarted& started = known.is.started;
  Duration baked = passage.at - known.began;
  Duration needed = started.steps[passage.step].bake;
  if (needed == 0s && !started.is_driving && !known.is_spared) {
    // Whoever moves the traffic ahead of the bake spares it not all of its bakes; whoever says
    // "promote" does.
    baked = passage.at - known.since;
    for (const rules::RolloutStep& one : started.steps)
      if (one.bake > 0s) needed = needed == 0s ? one.bake : std::min(needed, one.bake);
  }
  story_.demand(baked + kSlack >= needed, "18 (no bake is shortened)",
                started.id + " passed step " + std::to_string(passage.step + 1) + " after " +
                    format_duration(std::chrono::floor<std::chrono::milliseconds>(baked)) + " of " +
                    format_duration(needed));
}

void RolloutWitness::check(const Passage& passage, Instant now) {
  const Known& known = known_.at(passage.id);
  if (passage.is_by_hand) return;
  const rules::RolloutStarted& started = known.is.started;
  if (const auto why = rules::frozen(plan_of(started.service).rollout, passage.at);
      passage.is_move && why && !known.is.is_approved)
    story_.demand(false, "19 (no step begins in a freeze)", started.id + " " + *why);
  if (passage.is_first) return check_questions(known, passage.at);
  check_bake(known, passage);
  if (now - passage.at > kFresh) return;
  const std::optional<std::string> why =
      truths_.why_not_healthy(started.service, started.candidate);
  story_.demand(!why, "16 (only what has passed gets more traffic)",
                started.id + " passed step " + std::to_string(passage.step + 1) + ", but " +
                    why.value_or(""));
}

void RolloutWitness::check_questions(const Known& known, Instant at) {
  if (known.is.is_approved) return;
  const rules::RolloutStarted& started = known.is.started;
  const rules::RolloutPlan& plan = plan_of(started.service).rollout;
  constexpr const char* kPromise = "21 (before the first step the questions are answered)";
  if (plan.asks_preflight) {
    // What comes in the batch of the decision may come after it.
    const rules::PreflightDone* answer = nullptr;
    for (const rules::PreflightDone& one : answers_[started.id])
      if (one.at <= at) answer = &one;
    const bool is_fine =
        answer != nullptr &&
        std::ranges::all_of(answer->checks, [](const rules::PreflightDone::Check& check) {
          return check.result == rules::Truth::fine;
        });
    story_.demand(is_fine, kPromise,
                  started.id + (answer == nullptr ? " has no answer" : " has a bad answer"));
  }
  for (const rules::Requirement& wanted : plan.requirements) {
    const bool is_met = std::ranges::any_of(known_, [&](const auto& one) {
      const rules::RememberedRollout& other = one.second.is;
      return other.state == RolloutState::promoted &&
             plan_of(other.started.service).environment == wanted.environment &&
             at - other.at + kSlack >= wanted.passed &&
             (!wanted.is_same_commit || other.started.commit == started.commit);
    });
    story_.demand(is_met, kPromise, started.id + " did not pass in " + wanted.environment);
  }
}

void RolloutWitness::is_sent(const rules::Order& order, Instant now) {
  for (const std::string& whose : {std::string(), order.service}) {
    const auto until = disarmed_until_.find(whose);
    story_.demand(until == disarmed_until_.end() || until->second <= now,
                  "20 (nothing is sent while disarmed, or but in mode enforce)",
                  order.intent + " while disarmed until " +
                      (until == disarmed_until_.end() ? "" : format_utc(until->second)));
  }
  const auto found = known_.find(order.rollout);
  if (found == known_.end()) return;
  const rules::RememberedRollout& is = found->second.is;
  story_.demand(is.started.mode == rules::Mode::enforce,
                "20 (nothing is sent while disarmed, or but in mode enforce)",
                order.intent + " of " + is.started.id);
  if (!std::holds_alternative<rules::MoveTraffic>(order.action)) return;
  story_.demand(
      is.state == RolloutState::preflight || is.state == RolloutState::baking,
      "17 (what is held or over moves no traffic)",
      order.intent + " of " + is.started.id + ", which is " + std::string(name_of(is.state)));
}

}  // namespace belay::simulation
