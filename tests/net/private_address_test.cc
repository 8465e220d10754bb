#include "net/private_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace belay::net {
namespace {

bool is_private(const char* text) {
  sockaddr_in four{.sin_family = AF_INET};
  if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
    return is_private_address(reinterpret_cast<sockaddr*>(&four));
  }
  sockaddr_in6 six{.sin6_family = AF_INET6};
  EXPECT_EQ(::inet_pton(AF_INET6, text, &six.sin6_addr), 1) << text;
  return is_private_address(reinterpret_cast<sockaddr*>(&six));
}

TEST(PrivateAddressTest, OwnNetworksArePrivate) {
  for (const char* address :
       {"0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.168.1.1", "198.19.0.1", "224.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fc00::1", "fdaa::3", "ff02::1", "2001:db8::1"}) {
    EXPECT_TRUE(is_private(address)) << address;
  }
}

TEST(PrivateAddressTest, TheInternetIsNot) {
  for (const char* address : {"1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1",
                              "172.32.0.1", "192.167.1.1", "223.255.255.255", "2606:4700::1111"}) {
    EXPECT_FALSE(is_private(address)) << address;
  }
}

TEST(PrivateAddressTest, AnIpv4AddressInsideAnIpv6OneIsSeen) {
  for (const char* address : {"::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1",
                              "2002:7f00:1::1", "::127.0.0.1"}) {
    EXPECT_TRUE(is_private(address)) << address;
  }
  EXPECT_FALSE(is_private("::ffff:1.1.1.1"));
  EXPECT_FALSE(is_private("64:ff9b::101:101"));
}

}  // namespace
}  // namespace belay::net
