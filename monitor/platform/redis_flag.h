#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "monitor/platform/platform.h"
#include "net/redis.h"

namespace belay::monitor {

struct RedisFlagOptions {
  net::RedisUrl url;
  std::string key;
  std::string field;                          ///< Of a hash; empty: the key is a string.
  std::string expected;                       ///< What it holds while the feature is on.
  std::string safe;                           ///< What it is set to.
  std::string channel;                        ///< Told the new value by PUBLISH; empty: nobody.
  std::chrono::milliseconds deadline{5'000};  ///< Of each call, connecting included.
};

/// Sets a feature flag in Redis back to its safe value, by compare-and-set: only if it still holds
/// the expected one. Any other value, or none, is a human's doing and stays (`other`, conflict).
/// The key's time to live is kept. A flag cannot carry the intent's id: after a try of ours, the
/// safe value counts as ours.
class RedisFlag final : public Platform {
 public:
  explicit RedisFlag(RedisFlagOptions options);

  Result<Standing> read(const rules::Order& order, std::stop_token stop) override;
  Status apply(const rules::Order& order, std::stop_token stop) override;
  [[nodiscard]] Trace trace(const rules::Order& /*order*/) const override { return Trace::effect; }
  [[nodiscard]] std::string by_hand(const rules::Order& order) const override;

 private:
  class Session;
  Status apply_by_watching(Session& session);

  RedisFlagOptions options_;
};

}  // namespace belay::monitor
