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

}  // namespace

std::optional<TailLoss> tail_loss_in(std::string_view line) {
  if (line.find(kNoPong) != std::string_view::npos) {
    return TailLoss{.before = 2 * kPingInterval, .after = seconds{1}};
  }
  const std::size_t at = line.find(kReconnecting);
  if (at == std::string_view::npos) return std::nullopt;
  TailLoss loss{.before = {}, .after = seconds{1}};
  const std::size_t delay = line.find(kDelay, at);
  if (delay == std::string_view::npos) return loss;
  const std::string_view number = line.substr(delay + kDelay.size());
  int value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec == std::errc{}) loss.after = seconds{std::clamp(value, 1, kDelaySecondsMax)};
  return loss;
}

}  // namespace belay::monitor
