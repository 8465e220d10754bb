#include "tests/simulation/witness.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "monitor/journal_text.h"

namespace belay::simulation {

using monitor::CloudflareDeployment;
using rules::JournalEntry;
using namespace std::chrono_literals;

namespace {

/// Three intervals of a source that speaks every second, a step, and what engine time may be off.
constexpr Duration kBlindAfter = 5s;

bool is_ours(const CloudflareDeployment& deployment) {
  return deployment.message.starts_with("belay ");
}
std::string intent_of(const CloudflareDeployment& deployment) {
  return deployment.message.substr(6, 36);
}

std::string fired_key(const std::string& service, const std::string& rule, Instant at) {
  return service + "/" + rule + " at " + format_utc(at);
}

}  // namespace

void Witness::note(const std::string& what) {
  story.push_back(format_utc(time_.now()).substr(11, 12) + " " + what);
}

void Witness::demand(bool holds, const char* promise, const std::string& what) {
  if (holds) return;
  note("BROKEN " + std::string(promise) + ": " + what);
  // The first time tells; what follows from it is in the story.
  const bool is_known = std::any_of(broken_.begin(), broken_.end(), [&](const std::string& one) {
    return one.starts_with(promise);
  });
  if (!is_known) broken_.push_back(std::string(promise) + ": " + what);
}

void Witness::began(const Generation& generation) {
  generations_.push_back(generation);
  ++counts.generations;
  note("rollout of " + generation.candidate + " over " + generation.baseline + " on " +
       generation.service + " " + generation.id);
}

void Witness::promoted(const std::string& id) {
  for (Generation& one : generations_) {
    if (one.id != id) continue;
    one.is_promoted = true;
    restored_.erase({one.service, one.candidate});
    ++counts.promotions;
    note("promoted " + one.candidate + " on " + one.service);
  }
}

const Witness::Generation* Witness::generation_of(const rules::Order& order) const {
  const auto found =
      std::find_if(generations_.rbegin(), generations_.rend(), [&](const Generation& one) {
        return one.service == order.service && one.candidate == order.candidate;
      });
  return found == generations_.rend() ? nullptr : &*found;
}

void Witness::was_read(const rules::Order& order, const std::vector<CloudflareDeployment>& shown) {
  const auto* back = std::get_if<rules::RollBack>(&order.action);
  if (back == nullptr) return;
  reads_[order.intent] = {
      .at = time_.now(),
      .shows_expected = shown.front().percent_of(back->expected) > 0,
      .shows_ours = std::any_of(shown.begin(), shown.end(), [&](const CloudflareDeployment& one) {
        return is_ours(one) && intent_of(one) == order.intent;
      })};
}

void Witness::is_sent(const rules::Order& order) {
  const auto* back = std::get_if<rules::RollBack>(&order.action);
  if (back == nullptr) return;
  ++counts.sent;
  sent_[order.intent] = order;
  note("sent: roll " + order.service + " back to " + back->target + ", " + order.intent);
  demand(disk_.has_durably(order.intent), "2 (no action without a durable intent)", order.intent);
  const auto read = reads_.find(order.intent);
  demand(read != reads_.end() && read->second.at == time_.now() && read->second.shows_expected &&
             !read->second.shows_ours,
         "3 (acts only on what was judged, as just read)", order.intent);
  const Generation* generation = generation_of(order);
  demand(generation != nullptr && back->target == generation->baseline &&
             back->target != back->expected && back->expected == generation->candidate,
         "4 (the target is the frozen baseline, never the version that failed)",
         order.intent + " goes to " + back->target);
  demand(!restored_.contains({order.service, back->expected}), "never a rollback of a rollback",
         order.intent + " leaves " + back->expected);
}

void Witness::is_applied(const rules::Order& order) {
  if (const auto* back = std::get_if<rules::RollBack>(&order.action))
    restored_.insert({order.service, back->target});
}

void Witness::recorded(const std::vector<JournalEntry>& entries) {
  for (const JournalEntry& entry : entries) {
    if (entry.kind == JournalEntry::Kind::disarmed) {
      const auto disarmed = monitor::disarmed_of(entry);
      if (disarmed.ok()) disarmed_until_[entry.service] = disarmed->until;
    }
    if (entry.kind == JournalEntry::Kind::fired)
      for (std::set<std::string>& unheard : unheard_)
        unheard.insert(fired_key(entry.service, entry.rule, entry.at));
    // Who has deployed after us has taken the matter over.
    const auto sent = sent_.find(entry.intent);
    if (entry.kind == JournalEntry::Kind::outcome && sent != sent_.end() &&
        monitor::final_phase_of(entry) == rules::ActionOutcome::Phase::superseded)
      restored_.erase({entry.service, std::get<rules::RollBack>(sent->second.action).target});
    if (entry.kind == JournalEntry::Kind::intent) {
      for (const std::string& whose : {std::string(), entry.service}) {
        const auto until = disarmed_until_.find(whose);
        demand(until == disarmed_until_.end() || until->second <= entry.at,
               "nothing is begun while disarmed", entry.intent);
      }
    }
    note("journal: " + std::string(monitor::name_of(entry.kind)) + " " + entry.service + " " +
         entry.rule + " " + entry.intent + " " + entry.text.substr(0, 160));
  }
}

void Witness::heard(std::size_t sink, const rules::Notice& notice) {
  if (notice.kind == rules::Notice::Kind::fired)
    unheard_[sink].erase(fired_key(notice.service, notice.rule, notice.at));
  if (sink != 0) return;
  const bool is_end = notice.kind == rules::Notice::Kind::rollout_ended;
  const bool is_decision = is_end || notice.kind == rules::Notice::Kind::fired ||
                           notice.kind == rules::Notice::Kind::cleared;
  // Of an end the verdict; its numbers may differ by what a moment's difference in time does.
  const std::string verdict = is_end ? notice.headline.substr(0, 20) : "";
  if (is_decision)
    decisions_[notice.service].push_back(notice.rule + " " + rules::name_of(notice.kind) + " " +
                                         verdict);
}

void Witness::step_ended(bool is_cut) {
  for (std::set<std::string>& unheard : unheard_) {
    if (!is_cut)
      demand(unheard.empty(), "6 (each fired rule reaches each who is told)",
             unheard.empty() ? "" : *unheard.begin());
    unheard.clear();
  }
}

void Witness::saw(const rules::ServiceStatus& status, Instant last_told, bool is_recorded) {
  if (!status.rollout) return;
  const rules::RolloutStatus& rollout = *status.rollout;
  if (!rollout.ended && rollout.verdict == rules::Outcome::pass)
    demand(time_.now() - last_told <= kBlindAfter, "5 (healthy only on fresh evidence)",
           status.name + " passes, silent since " + format_utc(last_told));
  if (!is_recorded) return;
  auto [state, is_new] = states_.try_emplace(rollout.id, rollout.state);
  demand(is_new || !rules::is_final(state->second) || state->second == rollout.state,
         "8 (terminal phases are final)",
         rollout.id + " went on to " + std::string(name_of(rollout.state)));
  state->second = rollout.state;
}

namespace {

std::string projected(const rules::ServiceStatus& status) {
  std::string text;
  for (const rules::ActionStatus& action : status.actions) {
    const bool is_open = !action.phase || !rules::is_final(*action.phase);
    text += action.intent + " to " + action.target + " " + format_utc(action.at) + " " +
            (is_open ? "open" : std::string(rules::name_of(*action.phase))) + "; ";
  }
  if (status.rollout)
    text += "rollout " + status.rollout->id + " " +
            std::string(rules::name_of(status.rollout->state)) + " at step " +
            std::to_string(status.rollout->step) + "; ";
  if (status.disarmed_until) text += "disarmed until " + format_utc(*status.disarmed_until);
  return text;
}

}  // namespace

void Witness::compare(const rules::ServiceStatus& memory, const rules::ServiceStatus& journal) {
  ++counts.comparisons;
  demand(projected(memory) == projected(journal), "7 (what is remembered is what was known)",
         memory.name + ": known " + projected(memory) + " remembered " + projected(journal));
}

void Witness::examine(const Worker& worker, std::uint32_t rollbacks_per_hour_max) {
  std::map<std::string, int> by_generation;
  std::map<std::string, int> by_intent;
  std::uint32_t all = 0;
  for (const Worker::Deployed& one : worker.all()) {
    if (!is_ours(one.what)) continue;
    ++all;
    ++counts.rollbacks;
    const std::string intent = intent_of(one.what);
    demand(++by_intent[intent] == 1, "1 (one rollback for each generation)",
           intent + " was applied twice");
    const auto order = sent_.find(intent);
    const Generation* generation = order == sent_.end() ? nullptr : generation_of(order->second);
    if (generation == nullptr) continue;
    demand(++by_generation[generation->id] == 1, "1 (one rollback for each generation)",
           generation->id + " of " + generation->candidate + " on " + worker.service());
    demand(!generation->is_promoted, "9 (never both promoted and rolled back)", generation->id);
  }
  demand(all <= rollbacks_per_hour_max, "14 (no more rollbacks an hour than allowed)",
         std::to_string(all) + " of " + std::to_string(rollbacks_per_hour_max) + " on " +
             worker.service());
}

void Witness::examine(const std::vector<JournalEntry>& journal) {
  enum class Stand : std::uint8_t { open, over };
  std::map<std::string, Stand> actions;
  for (const JournalEntry& entry : journal) {
    const auto found = actions.find(entry.intent);
    if (entry.kind == JournalEntry::Kind::intent) {
      demand(found == actions.end(), "8 (phases only go forward)", entry.intent + " began twice");
      actions.emplace(entry.intent, Stand::open);
    } else if (entry.kind == JournalEntry::Kind::outcome) {
      demand(found != actions.end() && found->second == Stand::open, "8 (phases only go forward)",
             entry.intent + " has an outcome " + entry.text + " after its end, or before it began");
      if (found != actions.end() && monitor::is_final_outcome(entry)) found->second = Stand::over;
    }
  }
  for (const auto& [intent, stand] : actions)
    demand(stand == Stand::over, "13 (once healed, what was begun comes to its end)",
           intent + " is open");
}

namespace {

struct Count {
  const char* name;
  int Witness::Counts::*count;
};
constexpr Count kCounts[] = {
    {"rollouts", &Witness::Counts::generations},
    {"promoted", &Witness::Counts::promotions},
    {"requests sent", &Witness::Counts::sent},
    {"rollbacks", &Witness::Counts::rollbacks},
    {"kills", &Witness::Counts::kills},
    {"lives", &Witness::Counts::lives},
    {"faults of the disk", &Witness::Counts::disk_faults},
    {"deployments by hand", &Witness::Counts::human_deploys},
    {"comparisons of journal and memory", &Witness::Counts::comparisons},
};

}  // namespace

Witness::Counts& Witness::Counts::operator+=(const Counts& other) {
  for (const Count& one : kCounts) this->*one.count += other.*one.count;
  return *this;
}

std::string describe(const Witness::Counts& counts) {
  std::string text;
  for (const Count& one : kCounts)
    text += (text.empty() ? "" : ", ") + std::to_string(counts.*one.count) + " " + one.name;
  return text;
}

}  // namespace belay::simulation
