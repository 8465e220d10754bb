#include "net/metadata_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace belay::net {
namespace {

bool is_metadata(const char* text) {
  sockaddr_in four{.sin_family = AF_INET};
  if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
    return is_metadata_address(reinterpret_cast<sockaddr*>(&four));
  }
  sockaddr_in6 six{.sin6_family = AF_INET6};
  EXPECT_EQ(::inet_pton(AF_INET6, text, &six.sin6_addr), 1) << text;
  return is_metadata_address(reinterpret_cast<sockaddr*>(&six));
}

TEST(MetadataAddressTest, LinkLocalAddressesAndTheServicesOfCloudsAre) {
  for (const char* address : {"169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1",
                              "febf::1", "fd00:ec2::254", "fd20:ce::254"}) {
    EXPECT_TRUE(is_metadata(address)) << address;
  }
}

TEST(MetadataAddressTest, TheInternetAndOnesOwnNetworksAreNot) {
  for (const char* address : {"1.1.1.1", "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1",
                              "100.64.0.1", "169.253.1.1", "169.255.1.1", "::1", "fdaa::3",
                              "fec0::1", "fd00:ec2::253", "2606:4700::1111", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(is_metadata(address)) << address;
  }
}

TEST(MetadataAddressTest, AnIpv4AddressInsideAnIpv6OneIsSeen) {
  for (const char* address : {"::ffff:169.254.169.254", "::169.254.169.254",
                              "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"}) {
    EXPECT_TRUE(is_metadata(address)) << address;
  }
}

}  // namespace
}  // namespace belay::net
