#include "tests/simulation/life.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

/// So few that a burst does not fit.
constexpr std::size_t kEventsPerLaneMax = 300;
/// The journal is read back so often, in publications: about once a minute, and first as soon as a
/// life has begun, while nothing has happened that would hide what it forgot.
constexpr int kComparedEvery = 61;
constexpr int kComparedFirst = 2;

/// The real journal, as the witness sees it; a disk that died in a call ends the process there.
class WatchedJournal final : public monitor::Journal {
 public:
  WatchedJournal(std::unique_ptr<monitor::Journal> real, const Disk& disk, Witness& witness)
      : real_(std::move(real)), disk_(disk), witness_(witness) {}
  Status append(const std::vector<rules::JournalEntry>& entries) override {
    Status status = real_->append(entries);
    if (disk_.is_dead()) throw Killed{};
    if (status.ok()) witness_.recorded(entries);
    return status;
  }
  Result<Recovered> recover(Instant now) override { return real_->recover(now); }
  Status read(std::size_t entries_max,
              const std::function<void(const rules::JournalEntry&)>& each) override {
    return real_->read(entries_max, each);
  }
  std::optional<std::string> trouble() override { return real_->trouble(); }

 private:
  std::unique_ptr<monitor::Journal> real_;
  const Disk& disk_;
  Witness& witness_;
};

}  // namespace

/// Someone who is told.
class Life::Ear final : public exporters::Sink {
 public:
  Ear(Life& life, std::size_t number) : life_(life), number_(number) {}
  void publish(const rules::Snapshot& snapshot) override {
    if (number_ == 0) life_.look(snapshot);
  }
  void notify(const rules::Notice& notice) override {
    const auto& tells = life_.world_.plant.tells;
    if (number_ == 1 && tells && !tells(notice)) return;
    if (number_ == 0)
      life_.world_.witness.note("told: " + notice.headline +
                                (notice.details.empty() ? "" : ": " + notice.details.front()));
    life_.world_.witness.heard(number_, notice);
  }

 private:
  Life& life_;
  std::size_t number_;
};

Life::Life(World world)
    : world_(std::move(world)),
      clock_(world_.plant.clock ? world_.plant.clock(world_.time)
                                : std::make_unique<BootClock>(world_.time)),
      inbox_(kEventsPerLaneMax),
      questions_(platforms_, world_.faults, world_.chance.fork()) {
  world_.witness.life_begins(*clock_);
  open_journal();
  for (std::size_t i = 0; i < world_.plan.services.size(); ++i) {
    std::unique_ptr<monitor::Platform> platform = world_.platform(i);
    if (world_.plant.platform) platform = world_.plant.platform(std::move(platform));
    platforms_.add_rollback(world_.plan.services[i].name, std::move(platform));
    lanes_.push_back(&inbox_.add_lane(rules::SourceId{static_cast<std::uint32_t>(i)}));
    world_.traffic[i].forget_texts();
    world_.traffic[i].counts = {};
  }
  std::vector<exporters::Sink*> sinks;
  for (std::size_t i = 0; i < 2; ++i) {
    ears_.push_back(std::make_unique<Ear>(*this, i));
    sinks.push_back(ears_.back().get());
  }
  loop_ = std::make_unique<monitor::EngineLoop>(
      rules::Engine{planned(), clock_->now(), std::move(recovered_.remembered)},
      monitor::EngineLoop::Parts{
          inbox_, *clock_, journal_.get(),
          [this](rules::Order order) {
            taken_.push_back({std::move(order), false});
          },
          std::move(sinks),
          [this](rules::PreflightAsked asked) { questions_.ask(std::move(asked), clock_->now()); },
          [this](rules::Recall recall) {
            if (world_.plant.is_deaf_to_recalls) return;
            world_.witness.note("recalled: " + recall.intent + ": " + recall.why);
            recalled_[recall.intent] = recall.why;
          }});
  for (const std::string& trouble : troubles_) loop_->tell_trouble(trouble);
  for (rules::Order& order : recovered_.open_orders) taken_.push_back({std::move(order), true});
}

Life::~Life() { world_.witness.life_ends(); }

rules::Plan Life::planned() const {
  rules::Plan plan = world_.plan;
  if (world_.plant.plan) world_.plant.plan(plan);
  return plan;
}

void Life::open_journal() {
  auto opened = monitor::Journal::open(world_.state);
  if (world_.disk.is_dead()) throw Killed{};
  if (!opened.ok()) {
    troubles_.push_back(opened.error().message);
    return;
  }
  std::unique_ptr<monitor::Journal> journal =
      std::make_unique<WatchedJournal>(std::move(opened).value(), world_.disk, world_.witness);
  if (auto known = journal->recover(clock_->now()); known.ok())
    world_.witness.remembers(known->remembered);
  if (world_.disk.is_dead()) throw Killed{};
  if (world_.plant.journal) journal = world_.plant.journal(std::move(journal));
  auto recovered = journal->recover(clock_->now());
  if (world_.disk.is_dead()) throw Killed{};
  if (!recovered.ok()) {
    troubles_.push_back(recovered.error().message);
    return;
  }
  journal_ = std::move(journal);
  recovered_ = std::move(recovered).value();
}

void Life::answer() {
  while (auto done = questions_.answer(clock_->now())) {
    world_.witness.answers(*done);
    inbox_.deliver(std::move(*done));
  }
}

void Life::step() {
  answer();
  std::vector<rules::Event> events = inbox_.drain(0ms);
  if (world_.plant.events) world_.plant.events(events, clock_->now());
  loop_->step(events, false);
  world_.witness.step_ended(false);
}

void Life::end_well() {
  loop_->step(inbox_.drain(0ms, std::numeric_limits<std::size_t>::max()), true);
  world_.witness.step_ended(false);
}

std::optional<std::string> Life::why_recalled(const std::string& intent) const {
  const auto found = recalled_.find(intent);
  return found == recalled_.end() ? std::nullopt : std::optional(found->second);
}

void Life::act() {
  for (; !taken_.empty(); taken_.pop_front()) {
    Taken& taken = taken_.front();
    monitor::Platform* platform = platforms_.find(taken.order);
    const std::string intent = taken.order.intent;
    attempts_.push_back(std::make_unique<monitor::Attempt>(
        std::move(taken.order), *platform, *clock_, options_,
        [this] { return world_.chance.unit(); }, taken.is_resumed,
        [this, intent] { return why_recalled(intent); }));
  }
  for (const auto& attempt : attempts_)
    if (recalled_.contains(attempt->order().intent)) attempt->hasten();
  const auto first = std::min_element(attempts_.begin(), attempts_.end(),
                                      [](auto& a, auto& b) { return a->due() < b->due(); });
  if (first == attempts_.end() || (*first)->due() > clock_->now()) return;
  monitor::Attempt* const attempt = first->get();
  std::optional<rules::ActionOutcome> outcome = attempt->step({});
  const bool is_over = attempt->is_over();
  if (outcome && (!world_.plant.delivers || world_.plant.delivers(*outcome))) {
    if (world_.chance.chance(world_.faults.duplicates)) inbox_.deliver(*outcome);
    inbox_.deliver(std::move(*outcome));
  }
  if (is_over) std::erase_if(attempts_, [&](const auto& one) { return one.get() == attempt; });
}

const rules::ServiceStatus* Life::status(std::size_t service) const {
  if (!published_) return nullptr;
  for (const rules::ServiceStatus& one : published_->services)
    if (one.name == world_.plan.services[service].name) return &one;
  return nullptr;
}

void Life::look(const rules::Snapshot& snapshot) {
  published_ = snapshot;
  for (std::size_t i = 0; i < world_.plan.services.size(); ++i)
    if (const rules::ServiceStatus* one = status(i))
      world_.witness.saw(*one, world_.traffic[i].last_told(),
                         journal_ != nullptr && !loop_->degraded());
  if (++publications_ % kComparedEvery == kComparedFirst) compare_with_journal(snapshot);
}

void Life::compare_with_journal(const rules::Snapshot& snapshot) {
  if (journal_ == nullptr || loop_->degraded()) return;
  auto recovered = journal_->recover(clock_->now());
  if (!recovered.ok()) return;
  const rules::Snapshot other =
      rules::Engine(planned(), clock_->now(), std::move(recovered->remembered)).snapshot();
  // Both are sorted by name.
  for (std::size_t i = 0; i < snapshot.services.size(); ++i)
    world_.witness.compare(snapshot.services[i], other.services[i]);
}

}  // namespace belay::simulation
