#include "monitor/sources/tail_loss.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace belay::monitor {
namespace {

using std::chrono::seconds;

constexpr std::string_view kReconnecting = "Tail connection lost. Reconnecting (attempt ";
constexpr std::string_view kDelay = ") in ";
constexpr std::string_view kNoPong =
    "Tail connection lost: the Worker did not respond to a keep-alive ping";
/// Wrangler pings every ten seconds, and finds the answer missing with the next ping.
constexpr Duration kPingInterval = seconds{10};
/// Its longest wait is 16 s; a line that says more is no line of wrangler's.
constexpr int kDelaySecondsMax = 60;
/// Then, if wrangler does not say that it is lost again, it is connected: it does not say that.
constexpr Duration kConnectsWithin = seconds{5};

/// "nats: authentication expired on connection [7]": how nats.go's own error handler writes.
constexpr std::string_view kNats = "nats: ";
constexpr std::string_view kOnConnection = " on connection [";
constexpr std::string_view kDropped = "messages dropped";
/// nats.go's defaults: 60 attempts, each after 2 s and with 2 s to connect; then it gives up, and
/// `fly logs` ends.
constexpr Duration kNatsWait = seconds{2};
constexpr Duration kNatsGivesUpWithin = 60 * seconds{4};
/// What it dropped came just before; it says so once, however long it goes on.
constexpr Duration kDropsFor = seconds{5};

std::optional<TailLoss> nats_loss_in(std::string_view line) {
  const std::size_t at = line.find(kNats);
  if (at == std::string_view::npos || line.find(kOnConnection, at) == std::string_view::npos) {
    return std::nullopt;
  }
  if (line.find(kDropped, at) != std::string_view::npos) {
    return TailLoss{.before = kDropsFor, .after = std::nullopt, .within = {}};
  }
  return TailLoss{.before = {}, .after = kNatsWait, .within = kNatsGivesUpWithin};
}

}  // namespace

std::optional<TailLoss> tail_loss_in(std::string_view line) {
  if (line.find(kNoPong) != std::string_view::npos) {
    return TailLoss{.before = 2 * kPingInterval, .after = seconds{1}, .within = kConnectsWithin};
  }
  if (const auto loss = nats_loss_in(line)) return loss;
  const std::size_t at = line.find(kReconnecting);
  if (at == std::string_view::npos) return std::nullopt;
  TailLoss loss{.before = {}, .after = seconds{1}, .within = kConnectsWithin};
  const std::size_t delay = line.find(kDelay, at);
  if (delay == std::string_view::npos) return loss;
  const std::string_view number = line.substr(delay + kDelay.size());
  int value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec == std::errc{}) loss.after = seconds{std::clamp(value, 1, kDelaySecondsMax)};
  return loss;
}

}  // namespace belay::monitor
