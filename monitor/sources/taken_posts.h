#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// The posts of one source that were taken, by their Idempotency-Key, and what they were answered:
/// the last ones of ten minutes, and no more of them than there is room for. Not thread-safe.
class TakenPosts {
 public:
  static constexpr Duration kRemembered = std::chrono::minutes{10};
  static constexpr std::size_t kKeyBytesMax = 255;

  explicit TakenPosts(std::size_t posts_max = 10'000) : posts_max_(posts_max) {}

  struct Taken {
    std::uint64_t body = 0;  ///< Hash of what was posted.
    net::Outgoing answer = {};
  };
  /// Null: there was none with that key, or it is forgotten. `now` does not go back.
  [[nodiscard]] const Taken* find(const std::string& key, Instant now);
  void keep(const std::string& key, Taken taken, Instant now);

 private:
  struct Arrival {
    Instant at{};
    std::string key;
  };
  void forget_oldest();

  std::size_t posts_max_;
  std::unordered_map<std::string, Taken> taken_;
  std::deque<Arrival> arrivals_;  // In order of time.
};

}  // namespace belay::monitor
