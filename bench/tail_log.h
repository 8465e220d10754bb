#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace belay::bench {

/// An endless, seeded tail log in Cloudflare's trace format, as `wrangler tail` would show it: 10
/// services of 2 versions (a tenth of the calls are the candidate's), 40 routes a service after
/// Zipf with ids in them, lognormal latencies with a long tail, 0.4 % errors (1.2 % on the
/// candidate), 97 % fetch events, about 1.8 KB each and 2,000 a second of event time. The same seed
/// gives the same bytes.
class TailLog {
 public:
  explicit TailLog(std::uint64_t seed = 1);

  /// Appends one event, without a line break.
  void append(std::string& out);

 private:
  static constexpr std::size_t kServices = 10;
  static constexpr std::size_t kRoutes = 40;
  struct Service {
    std::string name;
    std::array<std::string, 2> versions;
  };

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  double uniform() { return static_cast<double>(random_() >> 11U) * 0x1p-53; }
  [[nodiscard]] bool chance(double share) { return uniform() < share; }
  std::string hex(std::size_t digits);
  std::string uuid();
  void append_path(std::string& out);
  void append_fetch(std::string& out, const Service& service, int status);
  std::uint64_t wall_ms();

  std::mt19937_64 random_;
  std::vector<Service> services_;
  std::vector<double> route_shares_;  // Cumulative.
  double now_ms_ = 1'795'182'320'000;
};

/// At least `bytes` of it: NDJSON, or the same events as wrangler prints them, indented by four.
std::string tail_log(std::size_t bytes, bool indented, std::uint64_t seed = 1);

/// A JSON document as JSON.stringify(value, null, 4) writes it.
void append_indented(std::string& out, const std::string& document);

}  // namespace belay::bench
