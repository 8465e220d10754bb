#include "net/resolve.h"

#include <algorithm>
#include <cstring>
#include <future>
#include <thread>

#include <netdb.h>

#include "base/sanitize.h"

namespace belay::net {
namespace {

using namespace std::chrono_literals;

Result<std::vector<Address>> look_up(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) {
    return Error{.kind = Error::Kind::unavailable,
                 .message = "cannot resolve " + sanitize(host, 100) + ": " + ::gai_strerror(code)};
  }
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port,
                                     const Deadline& deadline, const std::stop_token& stop) {
  const std::string number = std::to_string(port);
  if (Result<std::vector<Address>> literal = look_up(host, number, AI_NUMERICHOST)) return literal;
  // getaddrinfo knows no deadline: it gets a thread that nobody has to wait for.
  std::packaged_task<Result<std::vector<Address>>()> task(
      [host, number] { return look_up(host, number, AI_ADDRCONFIG); });
  auto answer = task.get_future();
  std::thread(std::move(task)).detach();
  while (!deadline.passed() && !stop.stop_requested()) {
    if (answer.wait_for(std::min(deadline.remaining(), 50ms)) == std::future_status::ready) {
      return answer.get();
    }
  }
  return Error{.kind = Error::Kind::timeout,
               .message = "no answer in time to the lookup of " + sanitize(host, 100)};
}

}  // namespace belay::net
