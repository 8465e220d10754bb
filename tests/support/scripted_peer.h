#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <thread>

namespace belay::test {

/// One accepted connection of a ScriptedPeer, as its script sees it, or a RawClient. Every call
/// returns false once the other side has gone or the peer is ending: the script should then return.
class PeerConnection {
 public:
  PeerConnection(int socket, int ending) : socket_(socket), ending_(ending) {}

  /// Reads until `mark` has come; `received()` then ends with it or holds more.
  bool read_until(std::string_view mark);
  /// Reads until `received()` holds so many bytes.
  bool read_at_least(std::size_t bytes);
  /// Reads until the other side ends or resets the connection.
  void read_to_end();
  bool send(std::string_view bytes);
  /// One byte after another, `every` apart: a peer that is slow on purpose.
  bool drip(std::string_view bytes, std::chrono::milliseconds every);
  /// Does nothing until the other side goes or the peer ends.
  void hang();
  /// Closes with a reset instead of an end.
  void reset();

  [[nodiscard]] const std::string& received() const { return received_; }

 protected:
  [[nodiscard]] int socket() const { return socket_; }

 private:
  bool wait(short events, std::chrono::milliseconds at_most);
  bool read_more();
  int socket_;
  int ending_;  ///< Becomes readable when the peer ends.
  std::string received_;
};

/// A raw TCP connection to 127.0.0.1: for clients that drip, hang or send by halves.
class RawClient : public PeerConnection {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
};

/// A raw TCP server on 127.0.0.1 and a free port that does exactly what its script says, once for
/// each connection, each on a thread of its own. For peers that drip, hang, reset or answer by
/// halves.
class ScriptedPeer {
 public:
  using Script = std::function<void(PeerConnection&)>;
  explicit ScriptedPeer(Script script);
  /// Ends every script and joins.
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// "http://127.0.0.1:PORT" + path.
  [[nodiscard]] std::string url(std::string_view path = "/") const;
  [[nodiscard]] int connections() const { return connections_; }  ///< Accepted so far.

 private:
  void accept_all();
  Script script_;
  std::uint16_t port_ = 0;  // Before the socket, whose making sets it.
  int listening_ = -1;
  int ending_ = -1;
  std::atomic<int> connections_ = 0;
  std::list<std::thread> scripts_;  ///< Touched by the accepting thread only, until it has ended.
  std::thread accepting_;
};

/// A whole HTTP response, with its length and "Connection: close".
std::string http_response(int status, std::string_view body, std::string_view more_headers = "");

/// A port of 127.0.0.1 that nothing listens on just now.
std::uint16_t free_port();

}  // namespace belay::test
