#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "monitor/platform/cloudflare_reply.h"

namespace belay::monitor {

/// Tells an answer that is older than one before it: it lacks a deployment that was there already.
/// Any thread.
class NewestDeployment {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What is missing for so long is no lag: it is gone for good.
  static constexpr auto kGoneAfter = std::chrono::seconds{60};

  /// A deployment that was just made; empty: its id is not known.
  void made(const std::string& id);
  /// Whether `listed`, the newest first, is as new as what is known. If so, its first is known now.
  bool is_as_new(const std::vector<CloudflareDeployment>& listed, Time now);

 private:
  std::mutex mutex_;
  std::string id_;
  std::optional<Time> missing_since_;
};

}  // namespace belay::monitor
