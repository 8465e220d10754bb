#include "tests/simulation/witness.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "monitor/journal_text.h"
#include "monitor/rollout_text.h"
#include "tests/simulation/projection.h"

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

void Witness::life_begins(const monitor::Clock& clock) {
  clock_ = &clock;
  life_began_ = clock.now();
  life_began_boot_ = time_.boot();
}

void Witness::remembers(const rules::Remembered& remembered) {
  for (const rules::Disarmed& one : remembered.disarmed) disarmed_until_[one.service] = one.until;
  for (const rules::Silenced& one : remembered.silenced)
    silenced_until_[one.service + "/" + one.rule] = one.until;
  rollouts_.life_begins(remembered, life_began_);
}

/// What lasts, lasts as long as it does.
void Witness::check_clock() {
  const Duration known = clock_->now() - life_began_;
  const Duration passed = time_.boot() - life_began_boot_;
  demand(known <= passed + passed / 100 + 100ms, "18 (no bake is shortened)",
         "engine time runs ahead by " + std::to_string(seconds(known - passed)) + " s");
}

void Witness::says(const rules::OperatorCommand& command) {
  ++counts.commands;
  rollouts_.says(command);
  note(command.by + " says " + std::string(rules::name_of(command.kind)) + " " + command.rollout);
}

void Witness::answers(const rules::PreflightDone& done) {
  ++counts.answers;
  rollouts_.answers(done);
  std::string text;
  for (const rules::PreflightDone::Check& check : done.checks)
    text += " " + check.name + " " + rules::name_of(check.result);
  note("answered: " + done.rollout + text);
}

void Witness::began(const Generation& generation) {
  generations_.push_back(generation);
  rollouts_.asked(generation.id);
  ++counts.generations;
  note("rollout of " + generation.candidate + " over " + generation.baseline + " on " +
       generation.service + " " + generation.id);
}

void Witness::promoted(const std::string& id) {
  for (Generation& one : generations_) {
    if (one.id != id) continue;
    one.is_promoted = true;
    promotes(one.service);
    ++counts.promotions;
    note("promoted " + one.candidate + " on " + one.service);
  }
}

/// What comes after that is a generation of its own.
void Witness::promotes(const std::string& service) {
  std::erase_if(restored_, [&service](const auto& one) { return one.first == service; });
}

const Witness::Generation* Witness::generation_of(const rules::Order& order) const {
  const auto found = std::find_if(generations_.rbegin(), generations_.rend(),
                                  [&](const Generation& one) { return one.id == order.rollout; });
  return found == generations_.rend() ? nullptr : &*found;
}

namespace {

bool is_split(const CloudflareDeployment& live,
              const std::vector<rules::Deployment::Share>& expected) {
  const auto is_there = [&live](const rules::Deployment::Share& share) {
    return live.percent_of(share.version) == share.percent;
  };
  return live.versions.size() == expected.size() && std::ranges::all_of(expected, is_there);
}

}  // namespace

void Witness::was_read(const rules::Order& order, const std::vector<CloudflareDeployment>& shown) {
  Read& read = reads_[order.intent];
  read.at = time_.now();
  read.shows_ours = std::ranges::any_of(shown, [&](const CloudflareDeployment& one) {
    return is_ours(one) && intent_of(one) == order.intent;
  });
  if (const auto* back = std::get_if<rules::RollBack>(&order.action)) {
    read.shows_expected = shown.front().percent_of(back->expected) > 0;
    read.shows_another = shows_another(back->expected, shown);
  }
  if (const auto* move = std::get_if<rules::MoveTraffic>(&order.action))
    read.shows_expected = is_split(shown.front(), move->expected);
}

bool Witness::shows_another(const std::string& restored,
                            const std::vector<CloudflareDeployment>& shown) const {
  std::set<std::string> most;
  for (const CloudflareDeployment& one : shown) {
    const auto order = sent_.find(intent_of(one));
    const auto* back =
        order == sent_.end() ? nullptr : std::get_if<rules::RollBack>(&order->second.action);
    if (is_ours(one) && back != nullptr && back->target == restored) {
      most.erase(back->expected);
      return !most.empty();
    }
    for (const auto& share : one.versions)
      if (share.percent > 50 && share.version != restored) most.insert(share.version);
  }
  return false;
}

void Witness::is_sent(const rules::Order& order) {
  sent_[order.intent] = order;
  demand(disk_.has_durably(order.intent), "2 (no action without a durable intent)", order.intent);
  const auto read = reads_.find(order.intent);
  demand(read != reads_.end() && read->second.at == time_.now() && read->second.shows_expected &&
             !read->second.shows_ours,
         "3 (acts only on what was judged, as just read)", order.intent);
  rollouts_.is_sent(order, clock_->now());
  if (const auto* move = std::get_if<rules::MoveTraffic>(&order.action)) {
    ++counts.moves;
    note("sent: " + std::to_string(static_cast<int>(move->percent)) + "% of " + order.service +
         " to " + move->candidate + ", " + order.intent);
    return;
  }
  const auto* back = std::get_if<rules::RollBack>(&order.action);
  if (back == nullptr) return;
  ++counts.sent;
  note("sent: roll " + order.service + " back to " + back->target + ", " + order.intent);
  const Generation* generation = generation_of(order);
  demand(generation != nullptr && back->target == generation->baseline &&
             back->target != back->expected && back->expected == generation->candidate,
         "4 (the target is the frozen baseline, never the version that failed)",
         order.intent + " goes to " + back->target);
  demand(!restored_.contains({order.service, back->expected}) || read->second.shows_another,
         "never a rollback of a rollback", order.intent + " leaves " + back->expected);
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
    if (entry.kind == JournalEntry::Kind::silenced) {
      const auto silenced = monitor::silenced_of(entry);
      if (silenced.ok()) silenced_until_[entry.service + "/" + entry.rule] = silenced->until;
    }
    if (entry.kind == JournalEntry::Kind::rollout_moved &&
        entry.text.find("\"held\"") != std::string::npos)
      ++counts.holds;
    if (!monitor::rollout_marks_of(entry).promoted.empty()) promotes(entry.service);
    if (entry.kind == JournalEntry::Kind::fired) {
      const std::string key = fired_key(entry.service, entry.rule, entry.at);
      for (std::size_t sink = 0; sink < std::size(unheard_); ++sink)
        if (!heard_[sink].contains(key)) unheard_[sink].insert(key);
    }
    // Who has deployed after us has taken the matter over.
    const auto sent = sent_.find(entry.intent);
    const auto* back =
        sent == sent_.end() ? nullptr : std::get_if<rules::RollBack>(&sent->second.action);
    if (entry.kind == JournalEntry::Kind::outcome && back != nullptr &&
        monitor::final_phase_of(entry) == rules::ActionOutcome::Phase::superseded)
      restored_.erase({entry.service, back->target});
    if (entry.kind == JournalEntry::Kind::intent) {
      for (const std::string& whose : {std::string(), entry.service}) {
        const auto until = disarmed_until_.find(whose);
        demand(until == disarmed_until_.end() || until->second <= entry.at,
               "nothing is begun while disarmed", entry.intent);
      }
    }
    note("journal: " + std::string(monitor::name_of(entry.kind)) + " " + entry.service + " " +
         entry.rule + " " + entry.intent + " " + entry.text.substr(0, 330));
  }
  for (const JournalEntry& entry : entries) {
    const auto silenced = silenced_until_.find(entry.service + "/" + entry.rule);
    if (entry.kind != JournalEntry::Kind::fired || silenced == silenced_until_.end() ||
        silenced->second <= entry.at)
      continue;
    for (std::set<std::string>& unheard : unheard_)
      unheard.erase(fired_key(entry.service, entry.rule, entry.at));
  }
  rollouts_.recorded(entries, clock_->now());
}

void Witness::heard(std::size_t sink, const rules::Notice& notice) {
  if (notice.kind == rules::Notice::Kind::fired) {
    const std::string key = fired_key(notice.service, notice.rule, notice.at);
    unheard_[sink].erase(key);
    heard_[sink].insert(key);
  }
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
  check_clock();
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

void Witness::compare(const rules::ServiceStatus& memory, const rules::ServiceStatus& journal) {
  ++counts.comparisons;
  demand(
      projection_of(memory) == projection_of(journal), "7 (what is remembered is what was known)",
      memory.name + ": known " + projection_of(memory) + " remembered " + projection_of(journal));
}

/// One deployment that is ours: for which rollout, and what it gave to whom.
void Witness::examine_split(const Worker& worker, std::size_t index) {
  const CloudflareDeployment& made = worker.all()[index].what;
  const auto order = sent_.find(intent_of(made));
  if (order == sent_.end()) return;
  const rules::RolloutStarted* rollout = rollouts_.find(order->second.rollout);
  const bool is_back = std::holds_alternative<rules::RollBack>(order->second.action);
  if (rollout == nullptr) return;
  if (is_back) {
    demand(made.versions.size() == 1 && made.percent_of(rollout->baseline) >= 100,
           "4 (the target is the frozen baseline, never the version that failed)",
           order->first + " put something else than all of " + rollout->baseline);
    demand(!rollouts_.is_promoted(rollout->id), "9 (never both promoted and rolled back)",
           rollout->id);
    return;
  }
  // The same step of the same rollout, with nobody else between the two.
  for (std::size_t before = index; before-- > 0;) {
    const CloudflareDeployment& other = worker.all()[before].what;
    if (!is_ours(other)) return;
    const auto earlier = sent_.find(intent_of(other));
    const bool is_same =
        earlier != sent_.end() && earlier->second.rollout == rollout->id &&
        other.percent_of(rollout->candidate) == made.percent_of(rollout->candidate);
    demand(!is_same, "23 (to each step it is moved once)",
           rollout->id + " was moved twice to " +
               std::to_string(static_cast<int>(made.percent_of(rollout->candidate))) + "%");
  }
}

void Witness::examine(const Worker& worker, std::uint32_t rollbacks_per_hour_max) {
  std::map<std::string, int> by_generation;
  std::map<std::string, int> by_intent;
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < worker.all().size(); ++i) {
    const Worker::Deployed& one = worker.all()[i];
    if (!is_ours(one.what)) continue;
    const std::string intent = intent_of(one.what);
    demand(++by_intent[intent] == 1, "1 (one rollback for each generation)",
           intent + " was applied twice");
    examine_split(worker, i);
    const auto order = sent_.find(intent);
    if (order == sent_.end() || !std::holds_alternative<rules::RollBack>(order->second.action))
      continue;
    ++all;
    ++counts.rollbacks;
    const Generation* generation = generation_of(order->second);
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
    {"moves of traffic", &Witness::Counts::moves},
    {"holds", &Witness::Counts::holds},
    {"commands", &Witness::Counts::commands},
    {"answers", &Witness::Counts::answers},
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
