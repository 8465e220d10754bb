#pragma once

// Internal to the listener: what http_listener.cc and http_session.cc share. Drags in Asio.

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/http_listener.h"

namespace belay::net {

using SteadyTime = std::chrono::steady_clock::time_point;

/// One connection of a listener, on the listener's thread.
struct Session {
  /// What it waits for: what a peer may keep it waiting for is limited by `deadline`.
  /// `for_news`: we keep the peer waiting.
  enum class Waits : std::uint8_t { for_request, for_rest, for_answer_taken, for_news };

  explicit Session(boost::asio::ip::tcp::socket connected)
      : socket(std::move(connected)), news(socket.get_executor()) {}

  boost::asio::ip::tcp::socket socket;
  boost::asio::steady_timer news;  ///< Cancelled when there may be some.
  Waits waits = Waits::for_request;
  SteadyTime since{};     ///< In this state.
  SteadyTime deadline{};  ///< Then expire() is called.
  bool woken = false;     ///< There may be news since it was asked last.
  bool expired = false;
  bool evicted = false;
  std::list<Session>::iterator self{};

  void expire() {
    expired = true;
    boost::system::error_code ignored;
    socket.cancel(ignored);
  }
  /// It ends at its next turn, without a word.
  void evict() {
    evicted = true;
    boost::system::error_code ignored;
    socket.close(ignored);
  }
};

/// What a session needs of its listener.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  /// The session enters a state, with the deadline that belongs to it.
  virtual void enter(Session& session, Session::Waits waits) = 0;
  [[nodiscard]] virtual const ListenerLimits& limits() const = 0;
  [[nodiscard]] virtual bool ending() const = 0;
  virtual Outgoing respond(const Incoming& request) = 0;
  /// An answer of the listener's own.
  [[nodiscard]] virtual Outgoing refusal(int status, std::string_view text) const = 0;
};

/// Serves requests, one after another, until the connection is over.
boost::asio::awaitable<void> serve(Session& session, SessionOwner& owner);

}  // namespace belay::net
