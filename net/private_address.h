#pragma once

struct sockaddr;

namespace belay::net {

/// Whether an address lies inside one's own networks or is no unicast address of the internet at
/// all: loopback, link-local (where clouds keep their metadata), RFC 1918, carrier NAT, unique
/// local, multicast, reserved; and IPv6 forms that carry such an IPv4 address. Anything but IPv4
/// and IPv6 counts as private.
bool is_private_address(const sockaddr* address);

}  // namespace belay::net
