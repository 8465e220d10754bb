#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace belay::rules {

/// How many seconds after their end the requests of one version come, as the last minutes that had
/// any show it.
class ArrivalDelays {
 public:
  /// What is longer is as long as nobody knows.
  static constexpr std::int64_t kDelayMax = 511;

  /// `now`: of both, the second that runs.
  void add(std::int64_t delay, std::uint32_t requests, std::int64_t now);
  void advance(std::int64_t now);
  /// Forgets all if none came for two minutes.
  void forget_if_over(std::int64_t now);
  /// Whether one came within the last ten seconds.
  [[nodiscard]] bool is_coming(std::int64_t now) const { return now - newest_ <= 10; }

  /// Of the requests so large a share (0..1) came no later: as in two of three minutes, or, where
  /// there are but two, as in both. What was held up once does not come late. Zero if none came.
  [[nodiscard]] std::int64_t quantile(double share) const;

 private:
  struct Minute {
    std::array<std::uint32_t, kDelayMax + 1> requests{};
    std::uint64_t all = 0;
    [[nodiscard]] std::int64_t quantile(double share) const;
  };
  Minute minute_;
  std::array<Minute, 2> before_;  // The newer one first.
  std::int64_t began_ = 0;        // The minute.
  std::int64_t newest_ = 0;       // When one came.
};

}  // namespace belay::rules
