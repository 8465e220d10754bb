#pragma once

#include <cstdint>

namespace belay::rules {

/// Whether so few of these requests tell how long they took that nobody knows how slow they are: a
/// version that is only slow looks as they do. Those that tell may be the health checks alone, and
/// a handful of requests says nothing of a log.
constexpr bool is_latency_untold(std::uint64_t told, std::uint64_t requests) {
  constexpr std::uint64_t kRequestsMin = 10;
  constexpr std::uint64_t kToldByOneOf = 10;
  return requests >= kRequestsMin && told * kToldByOneOf < requests;
}

}  // namespace belay::rules
