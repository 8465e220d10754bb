#include "rules/windows/bucket_log.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace belay::rules {
namespace {

// A sorted entry's first byte: six bits say how far its value lies from the one before it (folded,
// so that small numbers stand for small distances either way), two how often it occurs. Their
// largest number means that the rest follows, seven bits a byte.
constexpr std::uint32_t kFoldedMax = 63;
constexpr std::uint32_t kMoreMax = 3;
constexpr unsigned kMoreBits = 2;
constexpr unsigned kRestBits = 7;
constexpr std::uint8_t kGoesOn = 0x80;

std::uint32_t fold(std::int32_t distance) {
  return (static_cast<std::uint32_t>(distance) << 1U) ^ static_cast<std::uint32_t>(distance >> 31);
}
std::int32_t unfold(std::uint32_t folded) {
  return static_cast<std::int32_t>(folded >> 1U) ^ -static_cast<std::int32_t>(folded & 1U);
}

/// What one entry takes at most.
constexpr std::size_t kEntryMax = 9;
/// Fewer words than this are not worth sorting.
constexpr std::uint16_t kSettledMin = 8;
/// Entries that are sorted without taking memory for it.
constexpr std::size_t kFew = 64;
/// Value buckets between the lowest and the highest up to which sorting is counting.
constexpr std::size_t kCountedMax = std::size_t{32} * kBucketsPerOctave;

struct Sum {
  BucketId value = 0;
  std::uint32_t count = 0;
};

/// Writes sorted entries.
class Writer {
 public:
  Writer(std::uint8_t* to, BucketId origin) : to_(to), value_(origin) {}

  void put(BucketId next, std::uint32_t count) {
    const std::uint32_t folded = fold(std::int32_t{next} - std::int32_t{value_});
    const std::uint32_t more = count - 1;
    *to_++ = static_cast<std::uint8_t>(std::min(folded, kFoldedMax) << kMoreBits |
                                       std::min(more, kMoreMax));
    if (folded >= kFoldedMax) put_rest(folded - kFoldedMax);
    if (more >= kMoreMax) put_rest(more - kMoreMax);
    value_ = next;
  }
  [[nodiscard]] const std::uint8_t* end() const { return to_; }

 private:
  void put_rest(std::uint32_t rest) {
    for (; rest >= kGoesOn; rest >>= kRestBits) *to_++ = static_cast<std::uint8_t>(rest | kGoesOn);
    *to_++ = static_cast<std::uint8_t>(rest);
  }
  std::uint8_t* to_;
  BucketId value_;
};

/// Sorts by value and adds up what is equal; says how many are left.
std::size_t add_up(Sum* sums, std::size_t size) {
  std::sort(sums, sums + size, [](const Sum& a, const Sum& b) { return a.value < b.value; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (sums[i].value == sums[last].value)
      sums[last].count += sums[i].count;
    else
      sums[++last] = sums[i];
  }
  return last + 1;
}

/// Counting is several times faster than sorting, as long as the values lie within some octaves.
void count_up(std::vector<Sum>& sums, BucketId lowest, std::size_t span) {
  std::array<std::uint32_t, kCountedMax> counts;  // NOLINT: what is used of it is filled here
  std::fill_n(counts.begin(), span, 0);
  for (const Sum& sum : sums) counts[static_cast<std::size_t>(sum.value - lowest)] += sum.count;
  sums.clear();
  for (std::size_t i = 0; i < span; ++i)
    if (counts[i] != 0) sums.push_back({static_cast<BucketId>(lowest + i), counts[i]});
}

}  // namespace

std::uint32_t BucketLog::Sorted::rest() {
  std::uint32_t rest = 0;
  for (unsigned shift = 0;; shift += kRestBits) {
    const std::uint8_t byte = *from++;
    rest |= std::uint32_t{static_cast<std::uint8_t>(byte & ~kGoesOn)} << shift;
    if ((byte & kGoesOn) == 0) return rest;
  }
}

std::uint32_t BucketLog::Sorted::next() {
  const std::uint32_t byte = *from++;
  std::uint32_t folded = byte >> kMoreBits;
  std::uint32_t more = byte & kMoreMax;
  if (folded == kFoldedMax) folded += rest();
  if (more == kMoreMax) more += rest();
  value = static_cast<BucketId>(value + unfold(folded));
  return more + 1;
}

std::size_t BucketLog::end_of(std::size_t place) const {
  std::size_t end = bytes_.size();
  for (std::size_t later = newest_; later > place; --later) end -= at(later).bytes;
  return end;
}

void BucketLog::append_slowly(std::size_t place, BucketId value, std::uint32_t count) {
  if (is_full(at(place))) sort(place);
  const bool is_one = count == 1 && value != kCounted;
  if (is_one && place >= newest_) return add_word(place, value);
  const std::array<std::uint16_t, kCountedWords> counted = {
      kCounted, value, static_cast<std::uint16_t>(count), static_cast<std::uint16_t>(count >> 16U)};
  if (begin_ == bytes_.size()) origin_ = value;
  newest_ = std::max(newest_, place);
  const std::size_t words = is_one ? 1 : kCountedWords;
  std::array<std::uint8_t, kCountedWords * kWordBytes> bytes{};
  std::memcpy(bytes.data(), is_one ? &value : counted.data(), words * kWordBytes);
  replace(end_of(place), 0, bytes.data(), words * kWordBytes);
  at(place).bytes += static_cast<std::uint32_t>(words * kWordBytes);
  at(place).words = static_cast<std::uint16_t>(at(place).words + words);
}

void BucketLog::settle(std::size_t place) {
  if (at(place).words >= kSettledMin) sort(place);
}

void BucketLog::drop_first() {
  begin_ += std::exchange(places_[first_], Place{}).bytes;
  first_ = first_ + 1 == places_.size() ? 0 : first_ + 1;
  newest_ -= newest_ > 0 ? 1 : 0;
  if (begin_ * 8 < bytes_.size()) return;
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
}

void BucketLog::clear() {
  std::fill(places_.begin(), places_.end(), Place{});
  bytes_ = std::vector<std::uint8_t>();  // An empty list in braces would keep the memory.
  begin_ = newest_ = 0;
}

/// Puts other bytes in the place of some.
void BucketLog::replace(std::size_t begin, std::size_t size, const std::uint8_t* by,
                        std::size_t by_size) {
  const std::size_t rest = bytes_.size() - begin - size;
  const std::size_t needed = begin + by_size + rest;
  if (by_size > size) {
    make_room(by_size - size);
    bytes_.resize(needed);
  }
  std::uint8_t* to = bytes_.data() + begin;
  if (rest > 0) std::memmove(to + by_size, to + size, rest);
  std::memcpy(to, by, by_size);
  bytes_.resize(needed);
}

void BucketLog::sort(std::size_t place) {
  const auto write = [&](const Sum* sums, std::size_t size, std::uint8_t* to) {
    Writer writer(to, origin_);
    for (std::size_t i = 0; i < size; ++i) writer.put(sums[i].value, sums[i].count);
    const auto written = static_cast<std::size_t>(writer.end() - to);
    replace(begin_of(place), at(place).bytes, to, written);
    at(place) = {.bytes = static_cast<std::uint32_t>(written)};
  };
  // None takes less than a byte.
  if (at(place).bytes - at(place).words <= kFew) {
    std::array<Sum, kFew> sums;
    std::array<std::uint8_t, kFew * kEntryMax> bytes;  // NOLINT: what is used of it is written
    std::size_t size = 0;
    for_each(place, [&](BucketId value, std::uint32_t count) { sums[size++] = {value, count}; });
    return write(sums.data(), add_up(sums.data(), size), bytes.data());
  }
  std::vector<Sum> sums;
  BucketId lowest = std::numeric_limits<BucketId>::max();
  BucketId highest = 0;
  for_each(place, [&](BucketId value, std::uint32_t count) {
    sums.push_back({value, count});
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  });
  const std::size_t span = static_cast<std::size_t>(highest - lowest) + 1;
  if (span <= kCountedMax)
    count_up(sums, lowest, span);
  else
    sums.resize(add_up(sums.data(), sums.size()));
  std::vector<std::uint8_t> bytes(sums.size() * kEntryMax);
  write(sums.data(), sums.size(), bytes.data());
}

}  // namespace belay::rules
