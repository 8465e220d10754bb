#pragma once

struct sockaddr;

namespace belay::net {

/// Whether an address is link-local, where clouds answer with the credentials of the machine that
/// asks, or one of their metadata services elsewhere; also as an IPv6 form that carries such an
/// IPv4 address. Anything but IPv4 and IPv6 counts as such.
/// docs/adr/0013-addresses-that-are-called.md says why these and no others.
bool is_metadata_address(const sockaddr* address);

}  // namespace belay::net
