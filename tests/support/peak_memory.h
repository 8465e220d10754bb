#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include <sys/types.h>
#include <unistd.h>

namespace belay::test {

/// The most memory that a process has held at once, in bytes; 0 if there is none of this number.
inline std::uint64_t peak_memory_bytes(pid_t pid = ::getpid()) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib << 10U;
  }
  return 0;
}

/// From here on the peak of this process counts anew.
inline void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// How much a test allows: under a sanitizer what was given back stays held for a while.
constexpr std::uint64_t memory_mib(std::uint64_t usually, std::uint64_t sanitized) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static_cast<void>(usually);
  return sanitized << 20U;
#else
  static_cast<void>(sanitized);
  return usually << 20U;
#endif
}

}  // namespace belay::test
