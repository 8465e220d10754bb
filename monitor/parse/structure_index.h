#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace belay::monitor {

/// Where the strings and brackets of a JSON document are, as bitmaps: what somebody needs who looks
/// for a few members and leaps over the rest. Made with vector instructions where the machine has
/// them. Positions are offsets into the document. One thread.
class StructureIndex {
 public:
  /// Which instructions find the bits. All find the same; `best` is what this machine does fastest.
  enum class Method : std::uint8_t { best, portable, avx2, avx512 };
  /// Those that this machine has; `best` is one of them, and not listed.
  static std::vector<Method> methods();

  /// `method` must be one that this machine has.
  explicit StructureIndex(Method method = Method::best);

  /// `document` has 64 readable bytes behind it. False: it is broken. It is not UTF-8, a string is
  /// not closed or holds a control character, or the brackets do not come out even. That they fit
  /// each other ("[" and "]") and what stands between them is not looked at.
  bool build(std::string_view document);

  /// The rest speaks of the document built last, which must have been good.
  /// The first quote at or behind `from` that begins or ends a string; beyond the document if there
  /// is none.
  [[nodiscard]] std::size_t quote(std::size_t from) const {
    const std::uint64_t near = bits(quotes_, from / 8) >> (from % 8);
    if (near != 0) [[likely]]
      return from + static_cast<std::size_t>(std::countr_zero(near));
    std::size_t byte = from / 8;
    std::uint64_t found = 0;
    do found = bits(quotes_, byte += sizeof found);
    while (found == 0);
    return byte * 8 + static_cast<std::size_t>(std::countr_zero(found));
  }
  [[nodiscard]] bool has_backslash(std::size_t from, std::size_t to) const {
    for (;;) {
      const std::uint64_t found = bits(backslashes_, from / 8) >> (from % 8);
      if (found != 0) return from + static_cast<std::size_t>(std::countr_zero(found)) < to;
      from += kBytes - from % 8;
      if (from >= to) return false;
    }
  }
  /// Where the bracket at `open`, which lies within `depth` others, is closed.
  [[nodiscard]] std::size_t close(std::size_t open, std::int32_t depth) const;

  /// Bytes of a block, each of which has one bit in each of its words.
  static constexpr std::size_t kBytes = 64;
  struct Brackets {
    std::uint64_t opens = 0;  ///< "{" and "[" outside of strings.
    std::uint64_t closes = 0;
    std::int32_t depth = 0;      ///< Brackets open before the block's first byte.
    std::int32_t depth_min = 0;  ///< Nowhere in it are there fewer; there may be more everywhere.
  };
  /// Where the words of a block go.
  struct Rows {
    std::uint64_t* quotes = nullptr;
    std::uint64_t* backslashes = nullptr;
    Brackets* brackets = nullptr;
  };
  /// What the next block has to know of those before it.
  struct Carry {
    std::uint64_t in_string = 0;  // All ones, if it begins within a string.
    std::uint64_t escaped = 0;    // 1, if its first byte is.
    std::uint64_t broken = 0;     // Not 0: a string has a control character.
    std::uint64_t beyond_ascii = 0;
    std::int32_t depth = 0;
  };
  using Scan = void (*)(std::string_view document, Rows rows, Carry& carry);

 private:
  /// The bits of the 64 bytes of the document that begin with number 8 * `byte`.
  static std::uint64_t bits(const std::vector<std::uint64_t>& words, std::size_t byte) {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t found = 0;
    std::memcpy(&found, reinterpret_cast<const char*>(words.data()) + byte, sizeof found);
    return found;
  }

  Scan scan_;
  // Behind those in use stand some that stop every search.
  std::vector<std::uint64_t> quotes_;
  std::vector<std::uint64_t> backslashes_;
  std::vector<Brackets> brackets_;
  std::size_t end_ = 0;  // Of the blocks in use.
};

}  // namespace belay::monitor
