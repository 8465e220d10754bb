#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "monitor/clock.h"
#include "monitor/inbox.h"
#include "monitor/source.h"
#include "tests/support/eventually.h"

namespace belay::monitor::test {

class WallClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
  }
};

/// A source on its own thread, and what it has said so far. The tests' own thread reads the inbox.
class RunningSource {
 public:
  explicit RunningSource(Source& source, std::size_t events_max = 65536)
      : inbox_(events_max),
        lane_(inbox_.add_lane(rules::SourceId{1})),
        thread_([&](std::stop_token stop) { source.run(std::move(stop), lane_, clock_); }) {}

  /// Reads the inbox until `condition()` holds; false if it never does.
  template <typename Condition>
  bool until(Condition&& condition) {
    return belay::test::eventually([&] {
      read();
      return condition();
    });
  }

  /// Waits until so many requests have come in all, and says what their routes are, in order.
  std::string routes(std::size_t count) {
    until([&] { return requests.size() >= count; });
    std::string out;
    for (const auto& request : requests) out += texts[request.route] + ' ';
    return out;
  }

  bool is(rules::SourceHealth health) {
    return until([&] { return state && state->health == health; });
  }

  /// Takes part in no reading: the lane fills.
  Lane& lane() { return lane_; }
  void stop() {
    thread_.request_stop();
    thread_.join();
    read();
  }

  std::vector<rules::Request> requests;
  std::vector<rules::SourceGap> gaps;
  std::optional<rules::SourceState> state;
  std::vector<rules::SourceState> states;
  rules::SourceProgress progress;
  std::map<rules::TextId, std::string> texts;

 private:
  void read() {
    for (auto& event : inbox_.drain(std::chrono::milliseconds{0})) {
      if (auto* request = std::get_if<rules::Request>(&event)) requests.push_back(*request);
      if (auto* gap = std::get_if<rules::SourceGap>(&event)) gaps.push_back(*gap);
      if (auto* said = std::get_if<rules::SourceState>(&event)) {
        state = *said;
        states.push_back(*said);
      }
      if (auto* now = std::get_if<rules::SourceProgress>(&event)) progress = *now;
      if (auto* text = std::get_if<rules::TextDefined>(&event)) texts[text->id] = text->text;
    }
  }

  WallClock clock_;
  Inbox inbox_;
  Lane& lane_;
  std::jthread thread_;
};

/// A generic event of its own route.
inline std::string line(const std::string& route) {
  return R"({"ts":1795182320647,"service":"shop","status":200,"route":"/)" + route + "\"}\n";
}

}  // namespace belay::monitor::test
