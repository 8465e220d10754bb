#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace belay::monitor {

/// What wrangler deployed or uploaded last, as the file behind WRANGLER_OUTPUT_FILE_PATH tells it
/// (one JSON object a line; reference: cloudflare/workers-sdk, wrangler/src/output.ts).
struct WranglerOutput {
  std::string worker;   ///< The script's name; empty if no line names it.
  std::string version;  ///< The id of the newest version.
};

/// Fails if a command failed after the last version, or if no line names a version. Lines of kinds
/// that are not known are passed over.
Result<WranglerOutput> parse_wrangler_output(std::string_view text);
Result<WranglerOutput> read_wrangler_output(const std::string& file);

}  // namespace belay::monitor
