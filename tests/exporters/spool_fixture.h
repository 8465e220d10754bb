#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "exporters/outbox.h"
#include "exporters/spool.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::exporters {

using namespace std::chrono_literals;

inline constexpr Instant kNow = from_unix_ms(1'795'000'000'000);

inline rules::Notice notice(std::string headline, Duration age = 0s, bool page = true) {
  return {.kind = rules::Notice::Kind::not_recovered,
          .page = page,
          .at = kNow - age,
          .service = "shop",
          .headline = std::move(headline)};
}

/// A receiver that is away or there, over all lives; "!" stands before what came late.
class Receiver {
 public:
  Outbox::Deliver deliver() {
    return [this](const Outbox::Batch& batch, const std::stop_token&) -> Outbox::Attempt {
      const std::lock_guard lock(mutex_);
      if (is_away_) return {.result = Outbox::Attempt::Result::try_again, .why = "away"};
      for (std::size_t i = 0; i < batch.notices.size(); ++i) {
        told_.push_back((i < batch.late ? "!" : "") + batch.notices[i].headline);
      }
      return {.result = Outbox::Attempt::Result::delivered};
    };
  }
  void is_away(bool away) {
    const std::lock_guard lock(mutex_);
    is_away_ = away;
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  std::mutex mutex_;
  bool is_away_ = false;
  std::vector<std::string> told_;
};

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> spool(Instant now = kNow) {
    return std::make_unique<Spool>(
        path_, [now] { return now; }, complain());
  }
  Outbox::Complain complain() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      complaints_.push_back(line);
    };
  }
  std::unique_ptr<Outbox> outbox(Spool& spool, Outbox::Limits limits = kPatient,
                                 const std::string& route = "slack") {
    return std::make_unique<Outbox>(limits, counts_, receiver_.deliver(), complain(),
                                    Keeping{.spool = &spool, .route = route});
  }
  /// A life in which nothing can be delivered.
  void live_away(const std::vector<rules::Notice>& notices, Outbox::Limits limits = kAway) {
    receiver_.is_away(true);
    const auto kept = spool();
    const auto box = outbox(*kept, limits);
    for (const rules::Notice& one : notices) box->put(one);
  }
  /// What the next life tells.
  std::vector<std::string> live_on(Instant now = kNow) {
    receiver_.is_away(false);
    const auto kept = spool(now);
    outbox(*kept).reset();
    return receiver_.told();
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  std::vector<std::string> complaints() {
    const std::lock_guard lock(mutex_);
    return complaints_;
  }

  /// Of a route whose receiver is away when it ends; one whose receiver is there ends as soon as
  /// all is told, however slow this machine is.
  static constexpr Outbox::Limits kAway{.batch_max = 2,
                                        .spacing = 0ms,
                                        .backoff_min = 1ms,
                                        .backoff_max = 2ms,
                                        .give_up_after = 24h,
                                        .drain = 20ms,
                                        .look_again = 5ms};
  static constexpr Outbox::Limits kPatient = [] {
    Outbox::Limits limits = kAway;
    limits.drain = test::patience(20s);
    return limits;
  }();
  const test::TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "outbox";
  Receiver receiver_;
  Notifications notifications_;
  NotificationCounts counts_ = notifications_.of("slack");
  std::mutex mutex_;
  std::vector<std::string> complaints_;
};

}  // namespace belay::exporters
