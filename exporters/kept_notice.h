#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/order.h"

namespace belay::exporters {

/// A message that waits for one route, as it outlives the process: a line of JSON.
struct KeptNotice {
  std::string route;  ///< "slack-page"
  /// Without evidence: what is told of it stands in the details (lines_of).
  rules::Notice notice;
};

/// At most so long, whatever the notice holds: the last details are left out, and that is said.
inline constexpr std::size_t kKeptBytesMax = 8 * 1'024;

std::string text_of(const KeptNotice& kept);
/// Nothing for whatever text_of() does not write.
std::optional<KeptNotice> kept_notice_of(std::string_view text);

}  // namespace belay::exporters
