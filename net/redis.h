#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace belay::net {

/// redis[s]://[user[:password]@]host[:port][/db], percent-decoded.
struct RedisUrl {
  std::string host;
  std::uint16_t port = 6379;
  std::string user;
  Secret password;
  int database = 0;
  bool tls = false;
  std::optional<std::string> ca_file;  ///< Not part of a URL; set by configuration.
  static Result<RedisUrl> parse(std::string_view url);
  /// Without user and password: fit for logs.
  [[nodiscard]] std::string shown() const;
  bool operator==(const RedisUrl&) const = default;
};

/// One reply. An error reply is a value here: the caller knows which ones it expects.
struct RedisReply {
  enum class Kind : std::uint8_t { nil, status, error, integer, string, array } kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;  ///< status, error, string
  std::vector<RedisReply> items;
};

/// One connection: hiredis as the codec over our own non-blocking socket, TCP or TLS. Owned and
/// used by one thread. After any fault it is dead for good: connect anew (AUTH and SELECT with it).
class RedisConnection {
 public:
  using Command = std::vector<std::string>;

  /// Name lookup, connect, TLS, AUTH, SELECT and PING under one absolute deadline. A server that
  /// refuses one of them is Error::Kind::failed, its words in the message. A requested `stop` ends
  /// this and every later call within 100 ms.
  static Result<std::unique_ptr<RedisConnection>> connect(const RedisUrl& url,
                                                          std::chrono::milliseconds deadline,
                                                          std::stop_token stop = {});
  virtual ~RedisConnection() = default;

  /// Sends all commands at once and reads as many replies, together at most 64 MiB and a million
  /// items, under one absolute deadline. A fault of kind `ambiguous` or `timeout` leaves unknown
  /// what the server has done.
  virtual Result<std::vector<RedisReply>> pipeline(const std::vector<Command>& commands,
                                                   std::chrono::milliseconds deadline) = 0;
};

}  // namespace belay::net
