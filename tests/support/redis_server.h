#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_authority.h"

namespace belay::test {

/// A real redis-server on 127.0.0.1, empty, without persistence, that answers when the constructor
/// returns. Ends with it.
class RedisServer {
 public:
  struct Options {
    std::string password;            ///< Of the default user.
    std::vector<std::string> users;  ///< ACL lines without "user": "reader on >pw ~bull:* +@read".
    TlsAuthority* authority = nullptr;  ///< Speaks TLS only, with a certificate of this authority.
    std::string certificate_names = "IP:127.0.0.1,DNS:localhost";
    std::uint16_t replica_of = 0;   ///< Port of its master on 127.0.0.1.
    std::vector<std::string> more;  ///< Further arguments: "--maxmemory", "10mb".
  };
  RedisServer();
  explicit RedisServer(const Options& options);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// "redis://127.0.0.1:PORT", or rediss:// with TLS; `userinfo` is "user:password@" or nothing.
  [[nodiscard]] std::string url(const std::string& userinfo = "") const;

  void pause();  ///< SIGSTOP: the kernel still accepts connections, nobody answers.
  void resume();
  void kill();   ///< SIGKILL, and gone.
  void start();  ///< Again after kill(), on the same port, empty, with another run id.

 private:
  bool try_start();
  Options options_;
  TemporaryDirectory directory_;
  TlsAuthority::Issued issued_;
  std::uint16_t port_ = 0;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace belay::test
