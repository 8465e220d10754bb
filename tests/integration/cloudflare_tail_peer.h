#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/peer_request.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {

/// Cloudflare's side of `wrangler tail`, on loopback: tails are made and deleted over REST; each
/// replays the same messages over a trace-v1 WebSocket as soon as the client has greeted.
class CloudflareTailPeer {
 public:
  /// How a tail ends once all messages are sent.
  enum class End : std::uint8_t {
    dropped,  ///< The connection goes without a word.
    closed,   ///< Close code 1000.
    never,    ///< Pings are answered until the client closes.
  };

  /// `ends` are for the tails to come, in turn; later ones never end.
  CloudflareTailPeer(std::vector<std::string> messages, std::vector<End> ends);
  [[nodiscard]] std::string base_url() const { return peer_.url("/client/v4"); }

  [[nodiscard]] int created();
  [[nodiscard]] int deleted();
  /// The first message of each client.
  [[nodiscard]] std::vector<std::string> greetings();
  /// Requests that no client of a tail should make.
  [[nodiscard]] std::vector<PeerRequest> strange();

 private:
  void serve(PeerConnection& connection);
  void create(PeerConnection& connection);
  void remove(PeerConnection& connection);
  void tail(PeerConnection& connection, const PeerRequest& upgrade);
  End next_end();

  const std::vector<std::string> messages_;
  std::mutex mutex_;
  std::vector<End> ends_;
  std::size_t opened_ = 0;
  int created_ = 0;
  int deleted_ = 0;
  std::vector<std::string> greetings_;
  std::vector<PeerRequest> strange_;
  ScriptedPeer peer_;  // Last: its threads end before the rest goes.
};

}  // namespace belay::test
