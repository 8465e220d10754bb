#include "rules/judgement/arrival_delays.h"

#include <algorithm>
#include <utility>

namespace belay::rules {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::uint64_t kEnoughOneOf = 4;

}  // namespace

void ArrivalDelays::add(std::int64_t delay, std::uint32_t requests, std::int64_t now) {
  if (minute_.all == 0) began_ = now;
  newest_ = now;
  minute_.requests[static_cast<std::size_t>(std::clamp<std::int64_t>(delay, 0, kDelayMax))] +=
      requests;
  minute_.all += requests;
}

void ArrivalDelays::advance(std::int64_t now) {
  if (minute_.all == 0 || now - began_ < kMinute) return;
  before_ = {std::exchange(minute_, Minute{}), before_.front()};
}

void ArrivalDelays::forget_if_over(std::int64_t now) {
  if (now - newest_ > 2 * kMinute) minute_ = before_[0] = before_[1] = Minute{};
}

std::int64_t ArrivalDelays::Minute::quantile(double share) const {
  std::uint64_t seen = 0;
  std::size_t delay = 0;
  const auto wanted = share * static_cast<double>(all);
  while (delay < requests.size() && static_cast<double>(seen += requests[delay]) < wanted) ++delay;
  return static_cast<std::int64_t>(std::min(delay, requests.size() - 1));
}

std::int64_t ArrivalDelays::quantile(double share) const {
  const auto& [newer, older] = before_;
  if (newer.all == 0) return minute_.quantile(share);
  const std::int64_t first = newer.quantile(share);
  // A few may be those that come otherwise.
  const bool is_enough = minute_.all >= newer.all / kEnoughOneOf && minute_.all > 0;
  if (!is_enough) return older.all == 0 ? first : std::min(first, older.quantile(share));
  const std::int64_t second = minute_.quantile(share);
  if (older.all == 0) return std::min(first, second);
  const auto [low, high] = std::minmax(first, second);
  return std::clamp(older.quantile(share), low, high);
}

}  // namespace belay::rules
