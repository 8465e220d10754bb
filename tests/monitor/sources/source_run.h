#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <spdlog/spdlog.h>

#include "monitor/inbox.h"
#include "monitor/source.h"
#include "tests/support/eventually.h"

namespace belay::monitor {

/// Engine time for sources under test: the machine's.
class WallClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
  }
};

/// Runs a source on a thread of its own and gathers what it says. Ends it with the test.
class SourceRun {
 public:
  explicit SourceRun(Source& source, rules::SourceId id = {})
      : lane_(inbox_.add_lane(id)),
        thread_([this, &source](std::stop_token stop) { source.run(stop, lane_, clock_); }) {}

  /// How long the source took to return.
  std::chrono::nanoseconds stop() {
    const auto begin = std::chrono::steady_clock::now();
    thread_.request_stop();
    thread_.join();
    return std::chrono::steady_clock::now() - begin;
  }

  /// All events so far of one kind, oldest first.
  template <typename Kind>
  std::vector<Kind> all() {
    gather();
    std::vector<Kind> some;
    for (const rules::Event& event : events_) {
      std::visit(
          [&some](const auto& one) {
            const auto& of = unboxed(one);
            if constexpr (std::is_same_v<decltype(of), const Kind&>) some.push_back(of);
          },
          event);
    }
    return some;
  }

  /// Waits until one of them satisfies `wanted`.
  template <typename Kind, typename Wanted>
  bool until(Wanted wanted) {
    return test::eventually([&] {
      const std::vector<Kind> some = all<Kind>();
      return std::any_of(some.begin(), some.end(), wanted);
    });
  }

  /// Waits until there are so many.
  template <typename Kind>
  std::vector<Kind> at_least(std::size_t count) {
    test::eventually([&] { return all<Kind>().size() >= count; });
    return all<Kind>();
  }

  /// What an id stands for.
  std::string text(rules::TextId id) {
    if (id == rules::kNoText) return "";
    for (const rules::TextDefined& defined : all<rules::TextDefined>()) {
      if (defined.id == id) return defined.text;
    }
    return "(never defined)";
  }

 private:
  void gather() {
    for (rules::Event& event : inbox_.drain(std::chrono::milliseconds{0})) {
      events_.push_back(std::move(event));
    }
  }

  /// Made by the first who asks: two sources that log at once would race for it.
  std::shared_ptr<spdlog::logger> logger_ = spdlog::default_logger();
  WallClock clock_;
  Inbox inbox_;
  std::vector<rules::Event> events_;
  Lane& lane_;
  std::jthread thread_;
};

}  // namespace belay::monitor
