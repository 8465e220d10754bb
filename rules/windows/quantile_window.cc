#include "rules/windows/quantile_window.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace belay::rules {
namespace {
constexpr std::uint32_t kLinkMax = std::numeric_limits<std::uint16_t>::max();
}  // namespace

QuantileWindow::QuantileWindow(Duration length, const TimeBuckets& now)
    : ring_(WindowShape(length), now),
      heads_(ring_.cells(), kEnd),
      merge_budget_(ring_.cells(), kMergeFrom) {}

bool QuantileWindow::add(const TimeBuckets& now, const TimeBuckets& at, BucketId value,
                         std::uint32_t count) {
  advance(now);
  const std::int64_t distance = ring_.distance(at);
  if (!ring_.holds(distance) || count > kCountMax) return false;
  if (held_ + count > std::numeric_limits<std::uint32_t>::max()) return false;
  held_ += count;
  if (distance <= 0) histogram_.insert(value, count);
  append(ring_.cell(distance), value, count);
  return true;
}

void QuantileWindow::slide(const TimeBuckets& now) {
  ring_.advance(
      now, [this](std::uint32_t cell) { leave(cell); },
      [this](std::uint32_t cell) { enter(cell); });
  if (held_ != 0) return;
  // What a burst took is given back once it is over.
  entries_ = std::vector<Entry>();  // An empty list in braces would keep the memory.
  free_ = kEnd;
  histogram_ = Histogram();
}

void QuantileWindow::enter(std::uint32_t cell) {
  for (std::uint32_t at = heads_[cell]; at != kEnd; at = entries_[at].next)
    histogram_.insert(entries_[at].value, entries_[at].count);
}

void QuantileWindow::leave(std::uint32_t cell) {
  std::uint32_t last = kEnd;
  for (std::uint32_t at = heads_[cell]; at != kEnd; at = entries_[at].next) {
    histogram_.remove(entries_[at].value, entries_[at].count);
    held_ -= entries_[at].count;
    last = at;
  }
  if (last == kEnd) return;
  entries_[last].next = std::exchange(free_, std::exchange(heads_[cell], kEnd));
  merge_budget_[cell] = kMergeFrom;
}

void QuantileWindow::append(std::uint32_t cell, BucketId value, std::uint32_t count) {
  for (; count > kLinkMax; count -= kLinkMax) link(cell, value, kLinkMax);
  if (count > 0) link(cell, value, static_cast<std::uint16_t>(count));
}

void QuantileWindow::link(std::uint32_t cell, BucketId value, std::uint16_t count) {
  const std::uint32_t head = heads_[cell];
  if (head != kEnd && entries_[head].value == value && entries_[head].count + count <= kLinkMax) {
    entries_[head].count = static_cast<std::uint16_t>(entries_[head].count + count);
    return;
  }
  std::uint32_t place = free_;
  if (place != kEnd) {
    free_ = entries_[place].next;
  } else {
    // By a quarter, not to twice the size: there is one of these for each series.
    if (entries_.size() == entries_.capacity())
      entries_.reserve(entries_.size() + entries_.size() / 4 + 16);
    place = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  entries_[place] = {.value = value, .count = count, .next = head};
  heads_[cell] = place;
  if (--merge_budget_[cell] == 0) merge(cell);
}

void QuantileWindow::merge(std::uint32_t cell) {
  std::vector<std::uint32_t> packed;  // Value bucket above, count below: sorts by value.
  packed.reserve(std::size_t{2} * kMergeFrom);
  for (std::uint32_t at = heads_[cell]; at != kEnd; at = entries_[at].next)
    packed.push_back(std::uint32_t{entries_[at].value} << 16U | entries_[at].count);
  std::sort(packed.begin(), packed.end());

  std::uint32_t distinct = 0;
  std::uint32_t at = heads_[cell];
  std::uint32_t last = kEnd;
  for (std::size_t i = 0; i < packed.size(); ++distinct) {
    const std::uint32_t value = packed[i] >> 16U;
    std::uint32_t count = 0;
    for (; i < packed.size() && packed[i] >> 16U == value &&
           count + (packed[i] & kLinkMax) <= kLinkMax;
         ++i)
      count += packed[i] & kLinkMax;
    entries_[at].value = static_cast<BucketId>(value);
    entries_[at].count = static_cast<std::uint16_t>(count);
    last = std::exchange(at, entries_[at].next);
  }
  entries_[last].next = kEnd;
  while (at != kEnd) {
    const std::uint32_t next = entries_[at].next;
    entries_[at].next = std::exchange(free_, at);
    at = next;
  }
  merge_budget_[cell] =
      static_cast<std::uint16_t>(std::clamp<std::uint32_t>(distinct, kMergeFrom, kLinkMax));
}

}  // namespace belay::rules
