#include "net/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace belay::net {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Digest keyed_digest(const Digest& key, std::string_view text) {
  Digest digest{};
  unsigned int length = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   bytes_of(text), text.size(), digest.data(), &length);
  BELAY_CHECK(made != nullptr && length == digest.size(), "HMAC failed");
  return digest;
}

void fill_randomly(std::span<std::uint8_t> bytes) {
  const int filled = RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  BELAY_CHECK(filled == 1, "no randomness");
}

}  // namespace

Digest sha256(std::string_view text) {
  Digest digest{};
  unsigned int length = 0;
  const int made =
      EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  BELAY_CHECK(made == 1 && length == digest.size(), "SHA-256 failed");
  return digest;
}

std::string hex_of(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

std::string random_hex(std::size_t bytes) {
  std::string random(bytes, '\0');
  const std::span<std::uint8_t> span{reinterpret_cast<std::uint8_t*>(random.data()), bytes};
  fill_randomly(span);
  return hex_of(span);
}

HashedToken::HashedToken(std::string_view token) : key_{}, digest_{} {
  fill_randomly(key_);
  digest_ = keyed_digest(key_, token);
}

bool HashedToken::matches(std::string_view given) const {
  const Digest digest = keyed_digest(key_, given);
  return CRYPTO_memcmp(digest.data(), digest_.data(), digest.size()) == 0;
}

}  // namespace belay::net
