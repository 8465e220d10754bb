#include "tests/integration/shop_log.h"

#include <chrono>

#include <fmt/format.h>

namespace belay::test {

std::string shop_requests(int count, int status) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += fmt::format("{{\"ts\":{},\"service\":\"shop\",\"status\":{},\"route\":\"/{}\"}}\n",
                        now.count(), status, i);
  }
  return text;
}

}  // namespace belay::test
