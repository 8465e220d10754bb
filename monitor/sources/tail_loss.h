#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace belay::monitor {

/// What a tail program says of evidence that never reached it.
struct TailLoss {
  Duration before{};  ///< How long before the line it may have been lost.
  /// How long after the line it tries to connect again, at the earliest. None: it is still
  /// connected.
  std::optional<Duration> after;
  /// How long after that it may take, without a further word. Then it is connected, or has ended.
  Duration within{};
};

/// What a line on standard error means, if it is one of those by which a program that reconnects by
/// itself tells that it does. Known are
/// - `wrangler tail` 4 (src/tail/index.ts of wrangler 4.164), which in its JSON format says nothing
///   when it is connected again;
/// - `fly logs`, whose NATS client (nats.go, with its defaults: logs/nats.go of flyctl) reconnects
///   without a word, and complains only when it is refused or drops messages.
std::optional<TailLoss> tail_loss_in(std::string_view line);

}  // namespace belay::monitor
