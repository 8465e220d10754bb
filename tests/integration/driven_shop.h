#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/integration/daemon_api.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"

namespace belay::test {

/// A running daemon that moves the traffic of the Worker "shop" on Cloudflare's REST API on
/// loopback. What is live there is what answers: kGoodVersion always 200, kBadVersion as it is
/// told. At first all traffic is on kGoodVersion.
class DrivenShopTest : public DaemonApiTest {
 protected:
  DrivenShopTest();
  ~DrivenShopTest() override;

  void start_driven(GateWorld::Settings settings = {});
  /// `belay rollout start --driving` of kBadVersion; its id.
  std::string drive(const std::string& steps, std::vector<std::string> more = {});

  [[nodiscard]] nlohmann::json rollout(const std::string& id) const;
  [[nodiscard]] std::string state(const std::string& id) const;
  /// Waits until the rollout is in this state, or held for this reason.
  [[nodiscard]] bool becomes(const std::string& id, const std::string& state) const;
  [[nodiscard]] bool waits_saying(const std::string& id, const std::string& text) const;
  /// "2222 at 10%, 1111 at 90%" of each deployment that Belay made, in their order.
  [[nodiscard]] std::vector<std::string> moves();

  std::atomic<int> status_ = 200;  ///< Of kBadVersion.
  CloudflarePeer peer_;
};

}  // namespace belay::test
