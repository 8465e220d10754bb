#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "monitor/api/api.h"
#include "monitor/api/newest.h"
#include "monitor/config/config.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// The API of one daemon on a listener of its own. To be stopped after the engine's thread, which
/// tells its sink; what it answers in between is that nothing was shown.
class ApiServer {
 public:
  explicit ApiServer(ApiParts parts) : parts_(std::move(parts)) {}
  /// As stop().
  ~ApiServer() { stop(); }
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// For the engine's thread.
  exporters::Sink& sink() { return newest_; }

  /// Before the engine's thread starts. A default address that is taken is told in the log, and the
  /// daemon goes on without its API; any other fault is one. `has_state`: the state is ours, and
  /// takes the address for programs on this machine (local_endpoint.h).
  Status listen(const Config& config, bool has_state);
  void stop();

  /// Nothing if it does not listen.
  [[nodiscard]] std::optional<std::uint16_t> port() const;

 private:
  void leave_address(const std::string& token);

  ApiParts parts_;
  Newest newest_;
  std::unique_ptr<Api> api_;
  std::filesystem::path state_;  // Where the address is left; empty: nowhere.
  std::string address_;
  std::unique_ptr<net::HttpListener> listener_;
};

}  // namespace belay::monitor
