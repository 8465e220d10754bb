#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace belay::net {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view text);

/// Lower case, two digits a byte.
std::string hex_of(std::span<const std::uint8_t> bytes);

/// So many bytes from the system's generator, as hex.
std::string random_hex(std::size_t bytes);

/// A token that can be recognised and not read: what is kept is a digest under a key of its own.
class HashedToken {
 public:
  explicit HashedToken(std::string_view token);
  /// In constant time, whatever the lengths.
  [[nodiscard]] bool matches(std::string_view given) const;

 private:
  Digest key_;
  Digest digest_;
};

}  // namespace belay::net
