#include "tests/simulation/world.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "base/check.h"
#include "tests/simulation/life.h"
#include "tests/simulation/operators.h"
#include "tests/simulation/plans.h"
#include "tests/simulation/team.h"
#include "tests/simulation/truths.h"

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration kTick = 250ms;
constexpr Duration kHealed = 60s;  ///< Within this after all is well, what is bad is taken back.
constexpr std::size_t kBurst = 500;
constexpr Duration kWatchedAtLeastEvery = 10s;

/// One seed's world, from its beginning to its end.
class World {
 public:
  World(Disk& disk, const std::filesystem::path& place, std::uint64_t seed, const Plant& plant,
        const std::optional<Faults>& faults);
  Report run();

 private:
  void live_for(Duration span);
  void begin_life();
  void die();
  void pass(Duration span);
  void tick(Duration span);
  void disturb(Duration span);
  void disturb_traffic(Duration span);
  void disturb_daemon(Duration span);
  void people(Duration span);
  void tell(rules::Event event);
  [[nodiscard]] bool is_busy() const;
  void watch_platforms();
  void heal();
  void see_to_the_end();
  void roll_back_the_last();
  void check_healed();
  void check_counts();
  bool happens(double each_minute, Duration span) {
    return trouble_.chance(each_minute / 60 * seconds(span));
  }

  Disk& disk_;
  const std::filesystem::path& place_;
  const Plant& plant_;
  Seeded chance_;
  Seeded trouble_;  // Of what happens by itself.
  Seeded calls_;    // Of the platform's calls.
  Seeded faulty_;   // Of the disk's calls.
  Faults faults_;
  const rules::Plan plan_;
  const Duration watch_every_;
  WorldTime time_;
  Witness witness_;
  std::vector<Worker> workers_;
  std::vector<Traffic> traffic_;
  std::vector<Team> teams_;
  std::vector<Operators> operators_;
  std::unique_ptr<Life> life_;
  Instant restarts_at_{};
  Instant stalled_until_{};
  Instant wall_back_at_{};
  Instant watched_at_{};
  Report report_;
};

World::World(Disk& disk, const std::filesystem::path& place, std::uint64_t seed, const Plant& plant,
             const std::optional<Faults>& faults)
    : disk_(disk),
      place_(place),
      plant_(plant),
      chance_(Seeded(seed).next()),
      trouble_(chance_.fork()),
      calls_(chance_.fork()),
      faulty_(chance_.fork()),
      faults_(draw_faults(chance_)),
      plan_(draw_plan(chance_)),
      watch_every_(chance_.between(1s, kWatchedAtLeastEvery)),
      witness_(disk, time_, plan_) {
  witness_.know(truths_of(workers_, traffic_, time_));
  if (faults) faults_ = *faults;
  report_.seed = seed;
  report_.faults = describe(faults_);
  workers_.reserve(2);
  workers_.emplace_back("shop", "v1", time_);
  workers_.emplace_back("pier", "p1", time_);
  for (std::uint32_t i = 0; i < 2; ++i)
    traffic_.emplace_back(rules::SourceId{i}, workers_[i], chance_.fork());
  for (std::size_t i = 0; i < 2; ++i)
    teams_.emplace_back(workers_[i], traffic_[i], time_, witness_, chance_.fork());
  for (std::size_t i = 0; i < 2; ++i)
    operators_.emplace_back(workers_[i].service(), chance_.fork());
  if (!plan_.services[kShop].rollout.requirements.empty()) teams_[kShop].stage_at(teams_[kPier]);
  disk_.begin(chance_.fork(), [this](bool is_sync) {
    if (faulty_.chance(faults_.kill_at_disk_call)) return Disk::Fate::kills;
    if (faulty_.chance(is_sync ? faults_.failed_sync : faults_.failed_write)) {
      ++witness_.counts.disk_faults;
      return Disk::Fate::fails;
    }
    return faulty_.chance(faults_.full) ? Disk::Fate::is_full : Disk::Fate::works;
  });
}

void World::begin_life() {
  ++witness_.counts.lives;
  witness_.note("a life begins");
  life_ = std::make_unique<Life>(Life::World{
      plan_, place_, disk_, time_, witness_, plant_, faults_, traffic_,
      [this](std::size_t service) -> std::unique_ptr<monitor::Platform> {
        return std::make_unique<WorkerPort>(
            workers_[service], WorkerPort::World{faults_, calls_, time_, witness_,
                                                 [this](Duration span) { pass(span); }});
      },
      chance_.fork()});
  for (Team& team : teams_)
    if (auto asked = team.ask_again()) life_->deliver(std::move(*asked));
}

void World::die() {
  ++witness_.counts.kills;
  witness_.note("killed");
  witness_.step_ended(true);
  disk_.kill();
  life_.reset();
  disk_.revive(faults_.is_power_lost && trouble_.chance(0.5));
  time_.set_wall(0s);  // A machine that starts asks others for the time.
  restarts_at_ = time_.now() + trouble_.between(1s, 8s);
}

void World::disturb(Duration span) {
  if (happens(faults_.human_deploys, span)) {
    ++witness_.counts.human_deploys;
    witness_.note("someone deploys by hand");
    workers_[kShop].deploy({{"h" + std::to_string(trouble_.below(1000)), 100}}, "a fix by hand");
  }
  if (happens(faults_.wall_steps, span)) {
    witness_.note("someone sets the clock");
    time_.set_wall(trouble_.between(-2h, 2h));
    wall_back_at_ = time_.now() + trouble_.between(1s, 60s);
  }
  if (time_.now() >= wall_back_at_) time_.set_wall(0s);
  disturb_traffic(span);
  if (life_ != nullptr) disturb_daemon(span);
}

void World::disturb_traffic(Duration span) {
  for (Traffic& one : traffic_)
    if (const auto what = one.disturb(faults_, trouble_, time_.now(), span)) witness_.note(*what);
  if (!happens(faults_.losses, span)) return;
  for (Worker& worker : workers_) worker.find_again();
  Worker& worker = workers_[trouble_.below(2)];
  worker.lose(worker.live().versions.back().version);
}

void World::disturb_daemon(Duration span) {
  if (happens(faults_.bursts, span)) traffic_[kShop].burst(time_.now(), kBurst, life_->lane(kShop));
  if (happens(faults_.stalls, span)) {
    stalled_until_ = time_.now() + trouble_.between(1s, 20s);
    witness_.note("the engine stalls until " + format_utc(stalled_until_).substr(11, 12));
  }
  if (happens(faults_.disarms, span)) {
    const auto until = from_unix_ms(unix_ms(life_->now() + trouble_.between(1s, 60s)));
    life_->deliver(rules::Disarmed{.at = life_->now(),
                                   .service = trouble_.chance(0.7) ? "shop" : "",
                                   .until = until,
                                   .by = "someone"});
  }
}

void World::watch_platforms() {
  if (faults_.is_unwatched || time_.now() < watched_at_ + watch_every_) return;
  watched_at_ = time_.now();
  for (const Worker& worker : workers_) {
    if (trouble_.chance(faults_.unreachable)) continue;
    const auto live = worker.as_of(time_.now() - trouble_.between(0s, faults_.stale_reads)).front();
    rules::Deployment told{.service = worker.service(), .at = life_->now(), .id = live.id};
    for (const auto& share : live.versions) told.versions.push_back({share.version, share.percent});
    std::ranges::sort(told.versions, std::greater{}, &rules::Deployment::Share::percent);
    life_->deliver(std::move(told));
  }
}

void World::tell(rules::Event event) {
  if (life_ == nullptr) return;
  if (const auto* command = std::get_if<Boxed<rules::OperatorCommand>>(&event)) {
    witness_.says(**command);
    if (trouble_.chance(faults_.duplicates)) life_->deliver(**command);
  }
  life_->deliver(std::move(event));
}

void World::people(Duration span) {
  for (std::size_t i = 0; i < teams_.size(); ++i) {
    // A daemon that is not ready, for it cannot record, is not believed.
    const bool is_ready = life_ != nullptr && !life_->is_degraded();
    const rules::ServiceStatus* status = is_ready ? life_->status(i) : nullptr;
    teams_[i].see(status);
    if (faults_.no_releases) continue;
    if (auto asked = teams_[i].act(status, happens(faults_.overtakes, span)))
      tell(std::move(*asked));
    if (status == nullptr) continue;
    if (auto said = operators_[i].say(*status, time_.now(), span, faults_)) tell(std::move(*said));
  }
}

void World::tick(Duration span) {
  time_.pass(span);
  for (Worker& worker : workers_) worker.catch_up();
  disturb(span);
  people(span);
  for (std::size_t i = 0; i < traffic_.size(); ++i) {
    if (life_ == nullptr) {
      traffic_[i].pass(time_.now(), faults_);
    } else {
      traffic_[i].tell(time_.now(), span, faults_, life_->lane(i));
    }
  }
  if (life_ == nullptr) return;
  watch_platforms();
  if (happens(faults_.kills, span)) throw Killed{};
  if (time_.now() >= stalled_until_) life_->step();
}

void World::pass(Duration span) {
  for (Duration left = span; left > 0s; left -= kTick) tick(std::min(left, kTick));
}

void World::live_for(Duration span) {
  const Instant until = time_.now() + span;
  while (time_.now() < until) {
    try {
      if (life_ == nullptr && time_.now() >= restarts_at_) begin_life();
      tick(kTick);
      if (life_ == nullptr) continue;
      if (happens(faults_.restarts, kTick)) {
        life_->end_well();
        life_.reset();
        restarts_at_ = time_.now() + trouble_.between(250ms, 3s);
        continue;
      }
      life_->act();
    } catch (const Killed&) {
      die();
    }
  }
}

void World::heal() {
  witness_.note("all is well from now on");
  faults_ = Faults{};
  time_.set_wall(0s);
  stalled_until_ = {};
  for (Worker& worker : workers_) worker.find_again();
  for (Traffic& one : traffic_) one.heal();
  for (Team& team : teams_) team.rest();
  for (Operators& one : operators_) one.hurry();
  // A daemon that cannot use its journal waits for someone to start it again.
  if (life_ != nullptr) life_->end_well();
  life_.reset();
  // The one before may have died in its last write.
  if (disk_.is_dead()) disk_.revive(false);
  restarts_at_ = time_.now();
  live_for(5s);
  for (const char* whose : {"", "shop"})
    tell(rules::Disarmed{
        .at = life_->now(), .service = whose, .until = life_->now(), .by = "someone"});
  live_for(1s);
}

bool World::is_busy() const {
  for (std::size_t i = 0; i < teams_.size(); ++i)
    if (teams_[i].is_waiting(life_->status(i))) return true;
  return false;
}

/// Each rollout comes to its end, as late as its plan allows.
void World::see_to_the_end() {
  Duration allowed{};
  for (const Team& team : teams_) allowed = std::max(allowed, longest(team.steps()));
  const Instant until = time_.now() + allowed;
  while (is_busy() && time_.now() < until) live_for(5s);
  for (std::size_t i = 0; i < teams_.size(); ++i) {
    const rules::ServiceStatus* status = life_->status(i);
    witness_.demand(!teams_[i].is_waiting(status), "13 (once healed, each rollout ends in time)",
                    status->rollout ? status->rollout->id + " is " +
                                          std::string(name_of(status->rollout->state)) + ": " +
                                          status->rollout->why
                                    : "");
  }
}

/// A bad version, and nobody but Belay to help.
void World::roll_back_the_last() {
  const std::string good = "p" + std::to_string(1000 + workers_[kPier].all().size());
  const std::string bad = good + "-bad";
  workers_[kPier].deploy({{good, 100}}, "put back by hand");
  live_for(kWatchedAtLeastEvery + 1s);
  tell(teams_[kPier].begin_bad(bad, good));
  live_for(kHealed);
  const auto& live = workers_[kPier].live();
  witness_.demand(live.percent_of(good) >= 100, "13 (once healed, it is rolled back in time)",
                  "pier has " + live.versions.front().version);
}

void World::check_healed() {
  std::vector<rules::JournalEntry> entries;
  const bool is_whole =
      life_ != nullptr && life_->journal() != nullptr &&
      life_->journal()->read(1'000'000, [&](const auto& entry) { entries.push_back(entry); }).ok();
  witness_.demand(is_whole, "the journal survives", "it cannot be read");
  witness_.examine(entries);
  for (std::size_t i = 0; i < workers_.size(); ++i)
    witness_.examine(workers_[i], plan_.services[i].actions_per_hour_max);
}

void World::check_counts() {
  if (life_ == nullptr || !life_->snapshot()) return;
  for (std::size_t i = 0; i < traffic_.size(); ++i) {
    const auto& sources = life_->snapshot()->sources;
    const rules::SourceStatus& source = *std::find_if(
        sources.begin(), sources.end(),
        [&](const rules::SourceStatus& one) { return one.service == plan_.services[i].name; });
    std::uint64_t refused = 0;
    for (const auto& [reason, count] : source.rejected_total) refused += count;
    std::uint64_t counted = 0;
    for (const rules::SeriesTotals& series : life_->status(i)->series) counted += series.requests;
    const Traffic::Counts& counts = traffic_[i].counts;
    const std::string text =
        std::to_string(counts.offered) + " told, " + std::to_string(counts.dropped) + " dropped, " +
        std::to_string(source.events_total) + " received, " + std::to_string(refused) +
        " refused, " + std::to_string(counted) + " counted";
    witness_.demand(counts.offered - counts.dropped == source.events_total &&
                        source.events_total == refused + counted,
                    "12 (what was received is what was counted and what was dropped)", text);
  }
}

Report World::run() {
  traffic_[kPier].spoil("p2", time_.now(), 0.9);
  live_for(8s);
  while (life_ == nullptr) live_for(1s);
  tell(teams_[kPier].begin_bad("p2", "p1"));
  live_for(chance_.between(100s, 240s));
  heal();
  see_to_the_end();
  roll_back_the_last();
  check_healed();
  for (Traffic& one : traffic_) one.fall_silent(time_.now() + 1h);
  live_for(3s);
  check_counts();
  report_.broken = witness_.story().broken();
  report_.decisions = witness_.decisions();
  report_.story = witness_.story().lines();
  report_.counts = witness_.counts;
  return report_;
}

}  // namespace

Machine::Machine() {
  std::string pattern = (std::filesystem::temp_directory_path() / "belay-machine-XXXXXX").string();
  BELAY_CHECK(::mkdtemp(pattern.data()) != nullptr, "no directory for the lock");
  place_ = pattern;
}

Machine::~Machine() {
  std::error_code left_behind;
  std::filesystem::remove_all(place_, left_behind);
}

Report Machine::run(std::uint64_t seed, const Plant& plant, const std::optional<Faults>& faults) {
  return World(disk_, place_, seed, plant, faults).run();
}

}  // namespace belay::simulation
