#include "tests/net/hanging_lookup.h"

#include <condition_variable>
#include <mutex>
#include <string_view>

#include <dlfcn.h>
#include <netdb.h>

namespace belay::net {
namespace {

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;
  int waiting = 0;
};

Gate& gate() {
  static Gate the_gate;
  return the_gate;
}

}  // namespace

HangingLookup::HangingLookup() {
  const std::lock_guard lock(gate().mutex);
  gate().closed = true;
}

HangingLookup::~HangingLookup() {
  std::unique_lock lock(gate().mutex);
  gate().closed = false;
  gate().changed.notify_all();
  gate().changed.wait(lock, [] { return gate().waiting == 0; });
}

}  // namespace belay::net

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using belay::net::gate;
  static const auto real =
      reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const bool asks_someone = hints == nullptr || (hints->ai_flags & AI_NUMERICHOST) == 0;
  if (!asks_someone || node == nullptr ||
      std::string_view(node) != belay::net::HangingLookup::kName)
    return real(node, service, hints, result);
  std::unique_lock lock(gate().mutex);
  if (!gate().closed) return real("127.0.0.1", service, hints, result);
  ++gate().waiting;
  gate().changed.wait(lock, [] { return !gate().closed; });
  --gate().waiting;
  gate().changed.notify_all();
  return EAI_AGAIN;
}
