#include "monitor/api/api_server.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "monitor/api/local_endpoint.h"
#include "net/digest.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kLocalTokenBytes = 32;

bool has(const TokenConfig& token, Scope scope) {
  return std::ranges::find(token.scopes, scope) != token.scopes.end();
}

std::vector<Access::Token> tokens_of(const Config& config) {
  std::vector<Access::Token> tokens;
  for (const TokenConfig& token : config.tokens) {
    tokens.push_back({.name = token.name,
                      .hashed = net::HashedToken(token.token.reveal()),
                      .may_read = has(token, Scope::read),
                      .may_gate = has(token, Scope::gate)});
  }
  return tokens;
}

/// Where a listener on `address` is reached from this machine.
std::string local_host(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "[::]" ? "[::1]" : host;
}

}  // namespace

Status ApiServer::listen(const Config& config, bool has_state) {
  if (config.api.address.empty()) return Done{};
  address_ = config.api.address;
  std::vector<Access::Token> tokens = tokens_of(config);
  const std::string local = net::random_hex(kLocalTokenBytes);
  if (has_state) {
    tokens.push_back({.name = "local", .hashed = net::HashedToken(local), .may_gate = true});
  }
  const auto parsed = net::ListenAddress::parse(address_);
  const bool is_loopback = parsed && parsed->is_loopback;
  api_ = std::make_unique<Api>(newest_, parts_, Access(std::move(tokens), is_loopback));
  auto listener = net::HttpListener::start(
      address_, [this](const net::Incoming& request) { return api_->answer(request); },
      api_limits(), &listener_refusal);
  if (!listener && config.api.is_default) {
    spdlog::warn("{}: there is no API; give `listen` another address", listener.error().message);
    return Done{};
  }
  if (!listener) return Error{Error::Kind::unavailable, "listen: " + listener.error().message};
  listener_ = std::move(listener).value();
  newest_.when_changed([this] { listener_->wake(); });
  if (parts_.past != nullptr) parts_.past->when_answered([this] { listener_->wake(); });
  if (has_state) {
    state_ = config.state;
    leave_address(local);
  }
  return Done{};
}

void ApiServer::leave_address(const std::string& token) {
  const LocalEndpoint endpoint{fmt::format("http://{}:{}", local_host(address_), listener_->port()),
                               Secret(token)};
  const Status written = write_local_endpoint(state_, endpoint);
  if (!written) spdlog::warn("programs here will not find the API: {}", written.error().message);
}

void ApiServer::stop() {
  if (!listener_) return;
  if (!state_.empty()) remove_local_endpoint(state_);
  listener_.reset();
}

std::optional<std::uint16_t> ApiServer::port() const {
  return listener_ ? std::optional{listener_->port()} : std::nullopt;
}

}  // namespace belay::monitor
