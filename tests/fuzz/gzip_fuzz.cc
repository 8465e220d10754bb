#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/gzip.h"

/// Any bytes inflate to what the bound allows, or are refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBytesMax = 64 * 1024;
  const auto text = belay::net::gunzip({reinterpret_cast<const char*>(data), size}, kBytesMax);
  BELAY_CHECK(!text || text->size() <= kBytesMax, "no more than the bound");
  return 0;
}
