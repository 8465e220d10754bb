#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "monitor/platform/cloudflare_reply.h"

namespace belay::monitor {

/// Tells an answer that is older than one before it: it lacks a deployment that was there already.
/// Any thread.
class NewestDeployment {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What was not listed for so long is not missing because of a lag.
  static constexpr auto kGoneAfter = std::chrono::seconds{60};
  /// The same of one that an earlier life has seen: others may have come since, more than a list
  /// holds.
  static constexpr auto kGoneAfterRestart = std::chrono::seconds{30};

  /// A deployment that was just made; empty: its id is not known.
  void made(const std::string& id, Time now);
  /// One that an earlier life has seen; likewise.
  void was_seen(const std::string& id, Time now) { made(id, now - kGoneAfter + kGoneAfterRestart); }
  /// Whether `listed`, the newest first, is as new as what is known. If so, its first is known now.
  bool is_as_new(const std::vector<CloudflareDeployment>& listed, Time now);

 private:
  std::mutex mutex_;
  std::string id_;
  Time known_at_{};  ///< When it was made, or listed last.
};

}  // namespace belay::monitor
