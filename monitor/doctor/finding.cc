#include "monitor/doctor/finding.h"

#include <algorithm>

namespace belay::monitor {

Finding::Level worst_of(const Findings& findings) {
  const auto worst = std::ranges::max_element(findings, {}, &Finding::level);
  return worst == findings.end() ? Finding::Level::fine : worst->level;
}

}  // namespace belay::monitor
