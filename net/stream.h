#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <openssl/ssl.h>

#include "base/result.h"
#include "net/deadline.h"
#include "net/resolve.h"

namespace belay::net {

/// A connected byte stream over a non-blocking socket, TCP or TLS. Owned and used by one thread.
/// Raises no signal.
class Stream {
 public:
  struct Target {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    std::optional<std::string> ca_file;  ///< Instead of the system's authorities.
  };
  /// Name lookup, connection and handshake. With TLS the certificate must be the host's, name or
  /// address.
  static Result<std::unique_ptr<Stream>> connect(const Target& target, const Deadline& deadline,
                                                 const std::stop_token& stop);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  enum class Io : std::uint8_t { moved, would_block, closed, failed };
  struct Moved {
    Io io = Io::failed;
    std::size_t bytes = 0;
  };
  Moved read(char* bytes, std::size_t bytes_max);
  Moved write(const char* bytes, std::size_t count);

  enum class Waited : std::uint8_t { ready, timeout, stopped };
  /// After would_block: until it is worth trying again.
  Waited wait(bool to_write, const Deadline& deadline, const std::stop_token& stop) const;

  /// What failed, after Io::failed.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  explicit Stream(int socket);
  static Result<std::unique_ptr<Stream>> connect_to(const Address& address,
                                                    const Deadline& deadline,
                                                    const std::stop_token& stop);
  Status start_tls(const Target& target, const Deadline& deadline, const std::stop_token& stop);
  Status prepare_tls(const Target& target);
  Moved tls_outcome(int result, short& wants);

  int socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, &SSL_free};
  // TLS may have to write in order to read, and the other way round.
  short read_wants_;
  short write_wants_;
  std::string fault_;
};

}  // namespace belay::net
