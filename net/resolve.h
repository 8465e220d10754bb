#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "base/result.h"
#include "net/deadline.h"

namespace belay::net {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// The addresses of a host, in the order to try them; an IP literal is its own. A lookup that
/// outlives the deadline goes on, on a thread of its own, until the system's resolver gives up, and
/// its answer is lost.
Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port,
                                     const Deadline& deadline, const std::stop_token& stop);

}  // namespace belay::net
