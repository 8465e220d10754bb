#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"

namespace belay::net {

/// What a listener hands over: a whole request, its limits kept. Hostile until shown otherwise.
struct Incoming {
  std::string method;
  std::string path;  ///< Without the query.
  std::string query;
  std::vector<Header> headers;
  std::string body;  ///< Inflated already if it was gzip.
  std::string peer;  ///< Address of the other side.
  /// The value of the first header of that name, in any case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Outgoing {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<Header> headers;
  std::string body;
  /// The answer is not known yet: asked at once, at every wake() and every quarter of a second,
  /// until it gives one. The rest of this Outgoing then counts for nothing.
  std::function<std::optional<Outgoing>()> later = nullptr;
  /// Follows the head in place of `body`, piece by piece: asked as `later` is; an empty piece is
  /// "nothing just now", none is the end. Whatever it holds is freed when the peer goes.
  std::function<std::optional<std::string>()> stream = nullptr;
};

/// Limits of a listener: what exceeds them is answered by the listener itself (400, 408, 413, 415,
/// 431, 503).
struct ListenerLimits {
  /// A quarter of our descriptors at most. At the limit the connection that has waited longest for
  /// its request gives way: half-open ones starve nobody. When all are being answered, 503.
  std::size_t connections_max = 256;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 1024 * 1024;  ///< As sent.
  std::size_t inflated_bytes_max = 8 * 1024 * 1024;
  /// From the first byte of a request to its last, and again for the answer to be taken.
  std::chrono::milliseconds read_deadline{10'000};
  std::chrono::milliseconds idle_deadline{30'000};  ///< Between requests of one connection.
};

/// An HTTP/1.1 listener on a thread of its own (Boost.Asio; one thread, many connections).
/// `respond`, and what its answers wait for, are called on that thread and must not block. Whoever
/// answers `later` or with a `stream` limits how many do at once: such a connection does not give
/// way to others.
class HttpListener {
 public:
  using Respond = std::function<Outgoing(const Incoming&)>;
  /// What the listener says when it refuses a request by itself.
  using Refusal = std::function<Outgoing(int status, std::string_view text)>;

  /// `address`: "127.0.0.1:8080", "[::1]:0" (port 0: any free one). Fails if it cannot be bound.
  static Result<std::unique_ptr<HttpListener>> start(std::string_view address, Respond respond,
                                                     ListenerLimits limits = {},
                                                     Refusal refusal = nullptr);
  /// Answers what is under way for up to a second, then closes and joins.
  virtual ~HttpListener() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Any thread: something has changed that answers wait for.
  virtual void wake() = 0;
};

/// What `Authorization: Bearer TOKEN` gives; the name of the scheme has no case (RFC 9110, 11.1).
/// Empty if it is another scheme, nothing if there is no such header.
std::optional<std::string_view> bearer_token(const Incoming& request);

/// Where a listener may listen: an IP address, IPv6 in brackets, and a port; never a name.
struct ListenAddress {
  bool is_loopback = false;
  /// Nothing if HttpListener::start would not take the text.
  static std::optional<ListenAddress> parse(std::string_view text);
};

}  // namespace belay::net
