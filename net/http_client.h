#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "net/last_good_address.h"

namespace belay::net {

struct Header {
  std::string name;
  std::string value;
};

/// One outbound call. Redirects are never followed, and no address is connected to that may be the
/// metadata service of a cloud (metadata_address.h): HttpFault::Kind::forbidden_address.
struct HttpRequest {
  std::string method = "GET";
  std::string url;              ///< http:// or https:// only.
  std::vector<Header> headers;  ///< CR, LF or NUL in one of them: HttpFault::Kind::invalid.
  std::string body;
  /// Absolute, from the call to the last byte: name lookup, TLS and a dripping peer included.
  std::chrono::milliseconds deadline{10'000};
  std::size_t body_bytes_max = 64 * 1024;  ///< More: the transfer ends, `truncated` is set.
  std::size_t header_bytes_max = 64 * 1024;
  std::optional<std::string> ca_file;  ///< Instead of the system's authorities.
  /// Of the URL's host, kept by each call that is answered. If the name cannot be looked up, or not
  /// within a third of the deadline, the call goes there instead: nothing was sent until then, and
  /// TLS still asks for the name. Null: there is nothing but the lookup.
  LastGoodAddress* last_good = nullptr;
};

struct HttpResponse {
  int status = 0;
  std::vector<Header> headers;
  std::string body;
  bool truncated = false;
  std::chrono::microseconds total{};
  /// The value of the last header of that name, in any case; nothing if it is not there.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// Why there is no response. `sent` tells a refusal that is safe to repeat from an ambiguous end.
struct HttpFault {
  enum class Kind : std::uint8_t {
    dns,
    refused,
    tls,
    timeout,
    protocol,
    forbidden_address,
    invalid,
    stopped
  } kind{};
  bool sent = false;  ///< A byte of the request may have reached the peer: what it did is unknown.
  std::string message;
};

/// Blocks for at most the deadline. Thread-safe: no state is shared between calls but `last_good`.
/// Never raises a signal. A requested `stop` ends the call within 100 ms.
std::variant<HttpResponse, HttpFault> http_call(const HttpRequest& request,
                                                std::stop_token stop = {});

}  // namespace belay::net
