#include "monitor/sources/log_feed.h"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "monitor/inbox.h"
#include "tests/support/manual_clock.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

/// Engine time stands still; the wall clock was set.
class SetClock final : public Clock {
 public:
  explicit SetClock(Duration ahead) : ahead_(ahead) {}
  [[nodiscard]] Instant now() const override { return kNow; }
  [[nodiscard]] Duration ahead_of_wall() const override { return ahead_; }
  static constexpr Instant kNow{Duration{1'795'182'320s}};

 private:
  Duration ahead_;
};

std::vector<Instant> times_of(const std::string& lines, Duration ahead) {
  Inbox inbox;
  Lane& lane = inbox.add_lane(rules::SourceId{0});
  const SetClock clock(ahead);
  LogFeed feed({.format = LogFormat::automatic}, lane, clock);
  feed.bytes(lines);
  feed.finish();
  std::vector<Instant> times;
  for (const rules::Event& event : inbox.drain(0ms)) {
    if (const auto* request = std::get_if<rules::Request>(&event)) times.push_back(request->at);
    if (const auto* thrown = std::get_if<rules::Thrown>(&event)) times.push_back(thrown->at);
  }
  return times;
}

std::string line_at(Instant at) {
  return R"({"ts": )" + std::to_string(unix_ms(at)) +
         R"(, "service": "shop", "route": "/", "status": 500})" + "\n";
}

TEST(LogFeedTest, ALogMayGoByTheWallClockThatWasSetOrByAnother) {
  for (const Duration ahead : {Duration{0s}, Duration{3600s}, Duration{-3600s}}) {
    const std::string wall = std::to_string(unix_ms(SetClock::kNow - ahead));
    const std::string line = line_at(SetClock::kNow - ahead);
    EXPECT_EQ(times_of(line + line, ahead), std::vector<Instant>(2, SetClock::kNow));
    const std::string trace =
        R"({"outcome": "exception", "scriptName": "shop", "eventTimestamp": )" + wall +
        R"(, "event": {"request": {"url": "http://a.test/", "method": "GET"}}, )"
        R"("exceptions": [{"name": "TypeError", "message": "x", "timestamp": )" +
        wall + R"(}]})";
    EXPECT_EQ(times_of(trace, ahead), std::vector<Instant>(2, SetClock::kNow)) << "thrown, too";
    EXPECT_EQ(times_of(line_at(SetClock::kNow - 4s), ahead).at(0), SetClock::kNow - 4s)
        << "of a machine whose clock was not set";
  }
}

}  // namespace
}  // namespace belay::monitor
