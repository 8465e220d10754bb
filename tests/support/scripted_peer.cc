#include "tests/support/scripted_peer.h"

#include <array>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace belay::test {
namespace {

constexpr std::chrono::milliseconds kForever{-1};

int listen_on_free_port(std::uint16_t& port) {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BELAY_CHECK(::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
              "bind failed");
  BELAY_CHECK(::listen(listening, SOMAXCONN) == 0, "listen failed");
  socklen_t length = sizeof address;
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return listening;
}

}  // namespace

bool PeerConnection::wait(short events, std::chrono::milliseconds at_most) {
  std::array<pollfd, 2> watched{{{socket_, events, 0}, {ending_, POLLIN, 0}}};
  ::poll(watched.data(), watched.size(), static_cast<int>(at_most.count()));
  return watched[1].revents == 0;
}

bool PeerConnection::read_more() {
  if (!wait(POLLIN, kForever)) return false;
  std::array<char, 16384> bytes{};
  const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  received_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

bool PeerConnection::read_until(std::string_view mark) {
  while (received_.find(mark) == std::string::npos) {
    if (!read_more()) return false;
  }
  return true;
}

bool PeerConnection::read_at_least(std::size_t bytes) {
  while (received_.size() < bytes) {
    if (!read_more()) return false;
  }
  return true;
}

void PeerConnection::read_to_end() {
  while (read_more()) {
  }
}

bool PeerConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait(POLLOUT, kForever)) return false;
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool PeerConnection::drip(std::string_view bytes, std::chrono::milliseconds every) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (!send(bytes.substr(at, 1)) || !wait(0, every)) return false;
  }
  return true;
}

void PeerConnection::hang() {
  std::array<char, 16384> bytes{};
  while (wait(POLLIN, kForever) && ::recv(socket_, bytes.data(), bytes.size(), 0) > 0) {
  }
}

void PeerConnection::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// poll() passes over the missing descriptor of an end that never comes.
RawClient::RawClient(std::uint16_t port)
    : PeerConnection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1) {
  const sockaddr_in address{.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                            .sin_zero = {}};
  BELAY_CHECK(::connect(socket(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
              "nobody listens on this port");
}

RawClient::~RawClient() { ::close(socket()); }

ScriptedPeer::ScriptedPeer(Script script)
    : script_(std::move(script)),
      listening_(listen_on_free_port(port_)),
      ending_(::eventfd(0, EFD_CLOEXEC)),
      accepting_([this] { accept_all(); }) {}

ScriptedPeer::~ScriptedPeer() {
  const std::uint64_t one = 1;
  BELAY_CHECK(::write(ending_, &one, sizeof one) == sizeof one, "eventfd failed");
  accepting_.join();
  for (std::thread& script : scripts_) script.join();
  ::close(listening_);
  ::close(ending_);
}

void ScriptedPeer::accept_all() {
  while (true) {
    std::array<pollfd, 2> watched{{{listening_, POLLIN, 0}, {ending_, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), -1);
    if (watched[1].revents != 0) return;
    const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ++connections_;
    scripts_.emplace_back([this, socket] {
      PeerConnection connection(socket, ending_);
      script_(connection);
      ::close(socket);
    });
  }
}

std::string ScriptedPeer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::string http_response(int status, std::string_view body, std::string_view more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Scripted\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n" + std::string(more_headers) + "\r\n" + std::string(body);
}

std::uint16_t free_port() {
  std::uint16_t port = 0;
  ::close(listen_on_free_port(port));
  return port;
}

}  // namespace belay::test
