#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/temporary_directory.h"

namespace belay::test {

/// A certificate authority made for one test, and certificates it signs. Everything is a PEM file
/// in a directory that goes with it.
class TlsAuthority {
 public:
  TlsAuthority();
  ~TlsAuthority();
  TlsAuthority(const TlsAuthority&) = delete;
  TlsAuthority& operator=(const TlsAuthority&) = delete;

  struct Issued {
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  /// `names`: as in an OpenSSL subjectAltName, "IP:127.0.0.1,DNS:localhost".
  Issued issue(const std::string& names = "IP:127.0.0.1,DNS:localhost");
  /// Its validity ended an hour ago.
  Issued issue_expired(const std::string& names = "IP:127.0.0.1,DNS:localhost");

  /// What a client must trust.
  [[nodiscard]] std::filesystem::path ca_file() const { return directory_.path() / "ca.pem"; }

 private:
  struct Keys;
  Issued issue(const std::string& names, long ends_in_seconds);
  TemporaryDirectory directory_;
  std::unique_ptr<Keys> keys_;
  int issued_ = 0;
};

}  // namespace belay::test
