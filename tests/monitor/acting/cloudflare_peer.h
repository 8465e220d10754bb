#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/peer_request.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {

/// How the peer takes one POST …/deployments.
enum class PeerBehaviour : std::uint8_t {
  clean,
  applied_then_dropped,
  applied_then_500,
  not_applied_and_500,
  slow,  ///< No answer; done once the caller has given up.
  throttled,
};
inline constexpr PeerBehaviour kEveryPeerBehaviour[] = {PeerBehaviour::clean,
                                                        PeerBehaviour::applied_then_dropped,
                                                        PeerBehaviour::applied_then_500,
                                                        PeerBehaviour::not_applied_and_500,
                                                        PeerBehaviour::slow,
                                                        PeerBehaviour::throttled};

/// Cloudflare's versions and deployments of one Worker, on loopback; the real wrangler works with
/// it (tests/integration/wrangler_test.cc). Two deployments are there already: kBadVersion at 10 %
/// beside kGoodVersion, on top of kGoodVersion alone.
class CloudflarePeer {
 public:
  CloudflarePeer();
  [[nodiscard]] std::string base_url() const { return peer_.url("/client/v4"); }

  /// For the POSTs to come, in turn; afterwards clean.
  void behave(std::vector<PeerBehaviour> script);
  /// Every request gets this answer instead, whole, from now on.
  void answer_always(std::string response);
  /// From now on, reads show what was there so many deployments ago.
  void lag_behind(std::size_t deployments);
  /// As someone else would; on top.
  void deploy(const std::string& version, double percent, const std::string& message);
  /// The same with several versions; the shares add up to 100.
  void deploy(const std::vector<std::pair<std::string, double>>& shares,
              const std::string& message);

  /// The versions that were uploaded: at first kBadVersion and kGoodVersion, both deployable.
  struct Version {
    bool is_deployable = true;
    std::string migration;
    std::vector<std::pair<std::string, std::string>> bindings;  ///< Type and name.
  };
  void upload(const std::string& id, Version version);
  /// It is as if it had never been.
  void forget(const std::string& id);
  /// What the token may do, as GET /user/tokens tells; none: the token may not ask.
  void allow(std::vector<std::string> permission_groups);

  /// What is live: versions and their shares.
  [[nodiscard]] std::vector<std::pair<std::string, double>> live();
  [[nodiscard]] int deployments_with(const std::string& text_in_message);
  [[nodiscard]] std::vector<PeerRequest> requests();

 private:
  struct Deployment {
    int number = 0;
    std::string annotations;  ///< JSON, as the next.
    std::string versions;
  };
  void serve(PeerConnection& connection);
  std::string found(const std::string& target);
  void take(PeerConnection& connection, const std::string& body);
  std::string deploy(const std::string& body);
  std::string found_version(const std::string& id);
  std::string found_token(const std::string& target);
  static std::string json_of(const Deployment& deployment);

  std::mutex mutex_;
  std::vector<Deployment> deployments_;  ///< Newest first.
  std::size_t hidden_ = 0;               ///< Of them.
  std::map<std::string, Version> versions_;
  std::vector<std::string> permission_groups_;
  std::vector<PeerBehaviour> script_;
  std::size_t posts_ = 0;
  std::string always_;
  std::vector<PeerRequest> requests_;
  ScriptedPeer peer_;  // Last: its threads end before the rest goes.
};

}  // namespace belay::test
