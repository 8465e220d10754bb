#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "monitor/config/rule_file.h"

namespace belay::monitor {
/// None here: they are generated for the whole program.
std::span<const Pack> shipped_packs() { return {}; }
}  // namespace belay::monitor

/// Any bytes are a rule file, or have faults that can be shown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = belay::monitor::parse_rule_file(
      "rules.yaml", std::string(reinterpret_cast<const char*>(data), size));
  for (const belay::rules::Located& fault : file.faults) {
    BELAY_CHECK(!belay::rules::render(fault).empty(), "shown");
  }
  return 0;
}
