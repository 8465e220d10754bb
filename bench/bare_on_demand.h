#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace belay::bench {

/// What a bare extraction finds in a log: enough to see that it read every field of every event.
struct BareTotals {
  std::uint64_t events = 0;
  std::uint64_t statuses = 0;  ///< Their sum; so are the others.
  std::uint64_t wall_ms = 0;
  std::uint64_t cpu_ms = 0;
  std::uint64_t at_ms = 0;
  std::uint64_t exceptions = 0;
  std::uint64_t text_bytes = 0;  ///< Of service, version, outcome, URL, method and ray.
  bool operator==(const BareTotals&) const = default;
};

/// The peer of the pipeline: simdjson's On-Demand, as fast as it goes without being lazy about the
/// order of keys: iterate_many over the whole log, a member loop, the same fields as our parser,
/// and nothing done with them. On one thread.
class BareOnDemand {
 public:
  BareOnDemand();
  ~BareOnDemand();

  /// `log` has kPadding readable bytes behind it. Ends the process on a log that is not JSON.
  BareTotals read(std::string_view log);
  static constexpr std::size_t kPadding = 64;

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace belay::bench
