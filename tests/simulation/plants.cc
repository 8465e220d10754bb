#include "tests/simulation/plants.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "monitor/journal_text.h"

namespace belay::simulation {

using monitor::Standing;
using rules::Event;
using rules::JournalEntry;

namespace {

class AroundPlatform : public monitor::Platform {
 public:
  explicit AroundPlatform(std::unique_ptr<monitor::Platform> real) : real_(std::move(real)) {}
  Result<Standing> read(const rules::Order& order, std::stop_token stop) override {
    return real_->read(order, std::move(stop));
  }
  Status apply(const rules::Order& order, std::stop_token stop) override {
    return real_->apply(order, std::move(stop));
  }
  [[nodiscard]] std::string by_hand(const rules::Order& order) const override {
    return real_->by_hand(order);
  }

  Result<std::optional<monitor::VersionFacts>> version(const std::string& id,
                                                       std::stop_token stop) override {
    return real_->version(id, std::move(stop));
  }

 private:
  std::unique_ptr<monitor::Platform> real_;
};

class BlindRetry final : public AroundPlatform {
 public:
  using AroundPlatform::AroundPlatform;
  Status apply(const rules::Order& order, std::stop_token stop) override {
    const Status first = AroundPlatform::apply(order, stop);
    if (first.ok() || first.error().kind != Error::Kind::ambiguous) return first;
    return AroundPlatform::apply(order, stop);
  }
};

class NoFence final : public AroundPlatform {
 public:
  using AroundPlatform::AroundPlatform;
  Result<Standing> read(const rules::Order& order, std::stop_token stop) override {
    Result<Standing> standing = AroundPlatform::read(order, std::move(stop));
    if (standing.ok() && standing->kind == Standing::Kind::other)
      standing->kind = Standing::Kind::expected;
    return standing;
  }
};

class PreviousVersion final : public AroundPlatform {
 public:
  using AroundPlatform::AroundPlatform;
  Status apply(const rules::Order& order, std::stop_token stop) override {
    if (!std::holds_alternative<rules::RollBack>(order.action))
      return AroundPlatform::apply(order, std::move(stop));
    rules::Order moved = order;
    std::string& before = before_[order.service];
    if (auto* back = std::get_if<rules::RollBack>(&moved.action)) std::swap(back->target, before);
    if (std::get<rules::RollBack>(moved.action).target.empty()) moved = order;
    return AroundPlatform::apply(moved, std::move(stop));
  }

 private:
  std::map<std::string, std::string> before_;
};

/// Notes which versions were rolled back from.
class Noting final : public AroundPlatform {
 public:
  Noting(std::unique_ptr<monitor::Platform> real, std::set<std::string>& gone)
      : AroundPlatform(std::move(real)), gone_(gone) {}
  Status apply(const rules::Order& order, std::stop_token stop) override {
    if (std::holds_alternative<rules::RollBack>(order.action)) gone_.insert(order.candidate);
    return AroundPlatform::apply(order, std::move(stop));
  }

 private:
  std::set<std::string>& gone_;
};

class AroundJournal : public monitor::Journal {
 public:
  explicit AroundJournal(std::unique_ptr<monitor::Journal> real) : real_(std::move(real)) {}
  Status append(const std::vector<JournalEntry>& entries) override {
    return real_->append(entries);
  }
  Result<Recovered> recover(Instant now) override { return real_->recover(now); }
  Status read(std::size_t entries_max,
              const std::function<void(const JournalEntry&)>& each) override {
    return real_->read(entries_max, each);
  }
  std::optional<std::string> trouble() override { return real_->trouble(); }

 private:
  std::unique_ptr<monitor::Journal> real_;
};

/// Writes one batch behind.
class Hasty final : public AroundJournal {
 public:
  using AroundJournal::AroundJournal;
  Status append(const std::vector<JournalEntry>& entries) override {
    return AroundJournal::append(std::exchange(waiting_, entries));
  }

 private:
  std::vector<JournalEntry> waiting_;
};

/// Says the end of an action twice.
class Stuttering final : public AroundJournal {
 public:
  using AroundJournal::AroundJournal;
  Status append(const std::vector<JournalEntry>& entries) override {
    std::vector<JournalEntry> all = entries;
    for (const JournalEntry& entry : entries)
      if (entry.kind == JournalEntry::Kind::outcome && monitor::is_final_outcome(entry))
        all.push_back(entry);
    return AroundJournal::append(all);
  }
};

/// Forgets, when asked for the first time in a life, what `forget` says.
class Forgetful final : public AroundJournal {
 public:
  using Forget = void (*)(Recovered&);
  Forgetful(std::unique_ptr<monitor::Journal> real, Forget forget)
      : AroundJournal(std::move(real)), forget_(forget) {}
  Result<Recovered> recover(Instant now) override {
    Result<Recovered> recovered = AroundJournal::recover(now);
    if (recovered.ok()) std::exchange(forget_, [](Recovered&) {})(*recovered);
    return recovered;
  }

 private:
  Forget forget_;
};

Plant forgetting(Forgetful::Forget forget) {
  Plant plant;
  plant.journal = [forget](auto real) -> std::unique_ptr<monitor::Journal> {
    return std::make_unique<Forgetful>(std::move(real), forget);
  };
  return plant;
}

template <typename Around>
Plant platform_of() {
  Plant plant;
  plant.platform = [](auto real) -> std::unique_ptr<monitor::Platform> {
    return std::make_unique<Around>(std::move(real));
  };
  return plant;
}

/// Goes where people set it; only forward, for time that goes back is refused by the engine.
class WallClock final : public monitor::Clock {
 public:
  explicit WallClock(const WorldTime& time) : time_(time) {}
  [[nodiscard]] Instant now() const override {
    newest_ = std::max(newest_, time_.wall());
    return newest_;
  }

 private:
  const WorldTime& time_;
  mutable Instant newest_{};
};

}  // namespace

Plant blind_retry() { return platform_of<BlindRetry>(); }
Plant no_fence() { return platform_of<NoFence>(); }

Plant previous_version() { return platform_of<PreviousVersion>(); }

Plant acting_unrecorded() {
  Plant plant;
  plant.journal = [](auto real) -> std::unique_ptr<monitor::Journal> {
    return std::make_unique<Hasty>(std::move(real));
  };
  return plant;
}

Plant told_again() {
  Plant plant;
  plant.journal = [](auto real) -> std::unique_ptr<monitor::Journal> {
    return std::make_unique<Stuttering>(std::move(real));
  };
  return plant;
}

Plant forgotten_silences() {
  return forgetting(
      [](monitor::Journal::Recovered& recovered) { recovered.remembered.silenced.clear(); });
}

Plant forgotten_intents() {
  return forgetting([](monitor::Journal::Recovered& recovered) {
    recovered.open_orders.clear();
    std::erase_if(recovered.remembered.actions, [](const auto& one) { return one.is_open; });
  });
}

Plant forgotten_actions() {
  return forgetting([](monitor::Journal::Recovered& recovered) {
    std::erase_if(recovered.remembered.actions, [](const auto& one) { return !one.is_open; });
  });
}

Plant forgotten_rollouts() {
  return forgetting(
      [](monitor::Journal::Recovered& recovered) { recovered.remembered.rollouts.clear(); });
}

Plant forgotten_disarms() {
  return forgetting(
      [](monitor::Journal::Recovered& recovered) { recovered.remembered.disarmed.clear(); });
}

Plant lost_outcomes() {
  Plant plant;
  plant.delivers = [](const rules::ActionOutcome& outcome) {
    return !rules::is_final(outcome.phase);
  };
  return plant;
}

Plant stale_is_healthy() {
  Plant plant;
  auto last = std::make_shared<std::map<rules::SourceId, std::vector<rules::RequestSecond>>>();
  plant.events = [last](std::vector<Event>& events, Instant now) {
    std::map<rules::SourceId, std::vector<rules::RequestSecond>> fresh;
    for (const Event& event : events)
      if (const auto* second = std::get_if<Boxed<rules::RequestSecond>>(&event))
        fresh[(*second)->like.source].push_back(**second);
    for (const auto& [source, seconds] : *last) {
      if (fresh.contains(source)) continue;
      events.emplace_back(rules::SourceState{.source = source, .at = now});
      for (rules::RequestSecond second : seconds) {
        second.like.at = now;
        second.like.fingerprint = 0;
        events.emplace_back(std::move(second));
      }
    }
    for (auto& [source, seconds] : fresh) (*last)[source] = std::move(seconds);
  };
  return plant;
}

Plant counting_twice() {
  Plant plant;
  plant.events = [](std::vector<Event>& events, Instant /*now*/) {
    for (Event& event : events)
      if (auto* second = std::get_if<Boxed<rules::RequestSecond>>(&event))
        (*second)->like.fingerprint = 0;
  };
  return plant;
}

Plant leaky_lane() {
  constexpr int kOneIn = 50;
  Plant plant;
  auto seen = std::make_shared<int>();
  plant.events = [seen](std::vector<Event>& events, Instant /*now*/) {
    std::erase_if(events, [&](const Event& event) {
      return std::holds_alternative<Boxed<rules::RequestSecond>>(event) && ++*seen % kOneIn == 0;
    });
  };
  return plant;
}

Plant wall_clock() {
  Plant plant;
  plant.clock = [](const WorldTime& time) -> std::unique_ptr<monitor::Clock> {
    return std::make_unique<WallClock>(time);
  };
  return plant;
}

Plant deaf_route() {
  Plant plant;
  auto heard_at = std::make_shared<Instant>();
  plant.tells = [heard_at](const rules::Notice& notice) {
    return std::exchange(*heard_at, notice.at) != notice.at;
  };
  return plant;
}

Plant gone_by_word() {
  struct Known {
    std::set<std::string> gone;
    std::map<std::pair<rules::SourceId, rules::TextId>, std::string> texts;
  };
  auto known = std::make_shared<Known>();
  Plant plant;
  plant.platform = [known](auto real) -> std::unique_ptr<monitor::Platform> {
    return std::make_unique<Noting>(std::move(real), known->gone);
  };
  plant.events = [known](std::vector<Event>& events, Instant /*now*/) {
    for (const Event& event : events)
      if (const auto* text = std::get_if<rules::TextDefined>(&event))
        known->texts[{text->source, text->id}] = text->text;
    std::erase_if(events, [&](const Event& event) {
      const auto* second = std::get_if<Boxed<rules::RequestSecond>>(&event);
      if (second == nullptr) return false;
      const rules::Request& like = (*second)->like;
      return known->gone.contains(known->texts[{like.source, like.version}]);
    });
  };
  return plant;
}

}  // namespace belay::simulation
