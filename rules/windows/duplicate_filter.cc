#include "rules/windows/duplicate_filter.h"

#include <algorithm>
#include <utility>

namespace belay::rules {
namespace {
constexpr std::size_t kSlotsFirst = 64;
}  // namespace

DuplicateFilter::DuplicateFilter(std::size_t capacity)
    : capacity_(std::max<std::size_t>(capacity, 1)), slots_(kSlotsFirst) {}

bool DuplicateFilter::insert(std::uint64_t fingerprint) {
  if (fingerprint == 0) return true;
  if (slots_[find(fingerprint)] == fingerprint) return false;
  if (order_.size() < capacity_) {
    if ((order_.size() + 1) * 2 > slots_.size()) grow();
    order_.push_back(fingerprint);
  } else {
    erase(std::exchange(order_[oldest_], fingerprint));
    oldest_ = oldest_ + 1 == capacity_ ? 0 : oldest_ + 1;
    // The next one to go is known already: its slot is far away by now.
    __builtin_prefetch(&slots_[home(order_[oldest_])]);
  }
  slots_[find(fingerprint)] = fingerprint;
  return true;
}

/// The slot that holds the fingerprint, or the free one where it would go.
std::size_t DuplicateFilter::find(std::uint64_t fingerprint) const {
  std::size_t slot = home(fingerprint);
  while (slots_[slot] != 0 && slots_[slot] != fingerprint) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

void DuplicateFilter::erase(std::uint64_t fingerprint) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = find(fingerprint);
  // Whoever sits behind the hole, and has been pushed there past it, moves up; so no tombstones are
  // left.
  for (std::size_t next = (hole + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    if (((next - home(slots_[next])) & mask) < ((next - hole) & mask)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = 0;
}

void DuplicateFilter::grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (const std::uint64_t known : order_) slots_[find(known)] = known;
}

}  // namespace belay::rules
