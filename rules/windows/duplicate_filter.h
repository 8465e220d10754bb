#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belay::rules {

/// Remembers the last `capacity` distinct fingerprints, and nothing before them. Constant time; 24
/// to 40 bytes each, taken as they come.
class DuplicateFilter {
 public:
  explicit DuplicateFilter(std::size_t capacity = 65536);

  /// True: not among those remembered; it is now, in place of the oldest one if need be. 0 stands
  /// for "cannot be told": always true, never remembered.
  bool insert(std::uint64_t fingerprint);

  /// Says that insert() will soon be called with it, so that its slot comes nearer.
  void expect(std::uint64_t fingerprint) const { __builtin_prefetch(&slots_[home(fingerprint)]); }

  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  [[nodiscard]] std::size_t home(std::uint64_t fingerprint) const {
    // Fibonacci hashing: the top bits of the product depend on all bits of the fingerprint.
    const int bits = std::countr_zero(slots_.size());
    return static_cast<std::size_t>((fingerprint * 0x9e3779b97f4a7c15U) >> (64 - bits));
  }
  [[nodiscard]] std::size_t find(std::uint64_t fingerprint) const;
  void erase(std::uint64_t fingerprint);
  void grow();

  std::size_t capacity_;
  std::size_t oldest_ = 0;            // In order_, once that is full.
  std::vector<std::uint64_t> order_;  // A ring, as they came.
  std::vector<std::uint64_t> slots_;  // Open addressing, at most half full; 0 is free.
};

}  // namespace belay::rules
