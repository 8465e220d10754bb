#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/scripted_peer.h"

namespace belay::test {

/// One HTTP request as a ScriptedPeer received it. Its body has a Content-Length, or there is none.
struct PeerRequest {
  std::string method;
  std::string target;
  std::string head;  ///< The request line and all header lines.
  std::string body;

  /// `name` in lower case; empty if there is no such header.
  [[nodiscard]] std::string header(std::string_view name) const;
};

/// The first request of a connection; nothing if it goes before it is whole.
std::optional<PeerRequest> read_request(PeerConnection& connection);

}  // namespace belay::test
