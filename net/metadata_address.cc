#include "net/metadata_address.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace belay::net {
namespace {

/// 169.254.0.0/16.
bool is_link_local4(std::uint32_t address) { return address >> 16U == 0xA9FE; }

std::uint32_t word(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
         std::uint32_t{bytes[2]} << 8U | std::uint32_t{bytes[3]};
}

using Words = std::array<std::uint32_t, 4>;

/// Services that are not link-local: of AWS fd00:ec2::254, of Google fd20:ce::254.
constexpr std::array<Words, 2> kServices6{{{0xFD000EC2, 0, 0, 0x254}, {0xFD2000CE, 0, 0, 0x254}}};

bool is_metadata6(const in6_addr& address) {
  const std::uint8_t* bytes = address.s6_addr;
  const Words words{word(bytes), word(bytes + 4), word(bytes + 8), word(bytes + 12)};
  if (words[0] >> 22U == 0xFE80 >> 6U) return true;  // fe80::/10
  if (std::find(kServices6.begin(), kServices6.end(), words) != kServices6.end()) return true;
  const bool is_mapped =
      words[0] == 0 && words[1] == 0 && (words[2] == 0 || words[2] == 0x0000FFFF);
  const bool is_nat64 = words[0] == 0x0064FF9B;  // 64:ff9b::/96
  if (is_mapped || is_nat64) return is_link_local4(words[3]);
  const bool is_6to4 = words[0] >> 16U == 0x2002;
  return is_6to4 && is_link_local4(word(bytes + 2));
}

}  // namespace

bool is_metadata_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return is_link_local4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    return is_metadata6(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  }
  return true;
}

}  // namespace belay::net
