#include "net/private_address.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace belay::net {
namespace {

struct Block4 {
  std::uint32_t network;
  int bits;
};

// The IANA registry of special-purpose addresses, those that are not globally reachable.
constexpr std::array<Block4, 15> kPrivate4{{
    {0x00000000, 8},   // "this network"
    {0x0A000000, 8},   // RFC 1918
    {0x64400000, 10},  // carrier NAT
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // link-local, metadata services
    {0xAC100000, 12},  // RFC 1918
    {0xC0000000, 24},  // protocol assignments
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // 6to4 relays
    {0xC0A80000, 16},  // RFC 1918
    {0xC6120000, 15},  // benchmarks
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 4},   // multicast
    {0xF0000000, 4},   // reserved, broadcast
}};

bool is_private4(std::uint32_t address) {
  return std::any_of(kPrivate4.begin(), kPrivate4.end(), [address](const Block4& block) {
    return (address ^ block.network) >> (32 - block.bits) == 0;
  });
}

std::uint32_t word(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
         std::uint32_t{bytes[2]} << 8U | std::uint32_t{bytes[3]};
}

bool is_private6(const in6_addr& address) {
  const std::uint8_t* bytes = address.s6_addr;
  const std::uint32_t first = word(bytes);
  if (first == 0 && word(bytes + 4) == 0) {
    // ::, ::1, IPv4-compatible and -mapped addresses, of which none but the last is ever public.
    return word(bytes + 8) != 0x0000FFFF || is_private4(word(bytes + 12));
  }
  if (first == 0x0064FF9B) return is_private4(word(bytes + 12));    // NAT64, 64:ff9b::/96
  if (first >> 16U == 0x2002) return is_private4(word(bytes + 2));  // 6to4
  // Global unicast is 2000::/3; the rest is unique local, link-local, multicast or not assigned.
  return first >> 29U != 1 || first == 0x20010DB8 || first == 0x20010000;
}

}  // namespace

bool is_private_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return is_private4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    return is_private6(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  }
  return true;
}

}  // namespace belay::net
