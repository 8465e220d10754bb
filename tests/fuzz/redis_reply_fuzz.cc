#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/redis_codec.h"

/// Any bytes of a server, cut into pieces by the first one, are replies or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  belay::net::RedisDecoder decoder;
  while (!input.empty()) {
    const std::string_view part = input.substr(0, piece);
    input.remove_prefix(part.size());
    if (!decoder.feed(part)) return 0;
    while (true) {
      const auto reply = decoder.next();
      if (!reply) {
        BELAY_CHECK(!reply.error().message.empty(), "an error says what is wrong");
        return 0;
      }
      if (!reply->has_value()) break;
    }
  }
  return 0;
}
