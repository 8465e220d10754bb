#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace belay::monitor {

/// What a tail program says of evidence that never reached it.
struct TailLoss {
  Duration before{};  ///< How long before the line its connection may have been lost.
  Duration after{};   ///< How long after the line it tries to connect again, at the earliest.
};

/// What a line on standard error means, if it is one of those by which a program that reconnects by
/// itself tells that it does. Known: `wrangler tail` 4 (src/tail/index.ts of wrangler 4.164), which
/// in its JSON format says nothing when it is connected again.
std::optional<TailLoss> tail_loss_in(std::string_view line);

}  // namespace belay::monitor
