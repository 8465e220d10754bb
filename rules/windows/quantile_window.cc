#include "rules/windows/quantile_window.h"

#include <algorithm>
#include <array>
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

/// Counting is several times faster than sorting, as long as the values lie within some octaves.
std::vector<QuantileWindow::Sum> QuantileWindow::sums_by_counting(std::uint32_t head,
                                                                  BucketId lowest,
                                                                  std::size_t span) const {
  std::array<std::uint32_t, kCountedMax> counts;  // NOLINT: what is used of it is filled here
  std::fill_n(counts.begin(), span, 0);
  for (std::uint32_t at = head; at != kEnd; at = entries_[at].next)
    counts[static_cast<std::size_t>(entries_[at].value - lowest)] += entries_[at].count;
  std::vector<Sum> sums;
  sums.reserve(kMergeFrom);
  for (std::size_t i = 0; i < span; ++i)
    if (counts[i] != 0) sums.push_back({static_cast<BucketId>(lowest + i), counts[i]});
  return sums;
}

std::vector<QuantileWindow::Sum> QuantileWindow::sums_by_sorting(std::uint32_t head) const {
  std::vector<Sum> sums;
  for (std::uint32_t at = head; at != kEnd; at = entries_[at].next)
    sums.push_back({entries_[at].value, entries_[at].count});
  std::sort(sums.begin(), sums.end(), [](const Sum& a, const Sum& b) { return a.value < b.value; });
  std::size_t distinct = 0;
  for (std::size_t i = 1; i < sums.size(); ++i) {
    if (sums[i].value == sums[distinct].value)
      sums[distinct].count += sums[i].count;
    else
      sums[++distinct] = sums[i];
  }
  sums.resize(distinct + 1);
  return sums;
}

void QuantileWindow::merge(std::uint32_t cell) {
  const std::uint32_t head = heads_[cell];
  BucketId lowest = entries_[head].value;
  BucketId highest = lowest;
  for (std::uint32_t at = head; at != kEnd; at = entries_[at].next) {
    lowest = std::min(lowest, entries_[at].value);
    highest = std::max(highest, entries_[at].value);
  }
  const std::size_t span = static_cast<std::size_t>(highest - lowest) + 1;
  const auto sums =
      span <= kCountedMax ? sums_by_counting(head, lowest, span) : sums_by_sorting(head);

  // The links that are there suffice: each value had at least as many as its sum needs.
  std::uint32_t used = 0;
  std::uint32_t at = head;
  std::uint32_t last = kEnd;
  for (const Sum& sum : sums) {
    for (std::uint32_t left = sum.count; left > 0; ++used) {
      entries_[at].value = sum.value;
      entries_[at].count = static_cast<std::uint16_t>(std::min(left, kLinkMax));
      left -= entries_[at].count;
      last = std::exchange(at, entries_[at].next);
    }
  }
  entries_[last].next = kEnd;
  while (at != kEnd) {
    const std::uint32_t next = entries_[at].next;
    entries_[at].next = std::exchange(free_, at);
    at = next;
  }
  merge_budget_[cell] =
      static_cast<std::uint16_t>(std::clamp<std::uint32_t>(used, kMergeFrom, kLinkMax));
}

}  // namespace belay::rules
