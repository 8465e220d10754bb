#include <array>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "net/http_listener.h"

namespace belay::net {
namespace {

using Digest = std::array<unsigned char, 32>;

Digest keyed_digest(const Digest& key, std::string_view text) {
  Digest digest{};
  unsigned int length = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                   digest.data(), &length);
  BELAY_CHECK(made != nullptr && length == digest.size(), "HMAC failed");
  return digest;
}

}  // namespace

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  // A fresh key each time: the digests tell nothing about the texts, and have one length.
  Digest key{};
  BELAY_CHECK(RAND_bytes(key.data(), static_cast<int>(key.size())) == 1, "no randomness");
  const Digest first = keyed_digest(key, left);
  const Digest second = keyed_digest(key, right);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

}  // namespace belay::net
