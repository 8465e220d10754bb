#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace belay::monitor {

/// Where the strings and brackets of a JSON document are, as bitmaps of 64 bytes each: what
/// somebody needs who looks for a few members and leaps over the rest. Made with AVX2 where the
/// machine has it. Positions are offsets into the document. One thread.
class StructureIndex {
 public:
  /// Which instructions find the bits. All find the same; `best` is what this machine does fastest.
  enum class Method : std::uint8_t { best, portable };
  explicit StructureIndex(Method method = Method::best);

  /// False: the document is broken. It is not UTF-8, a string is not closed or holds a control
  /// character, or the brackets do not come out even. That they fit each other ("[" and "]") and
  /// what stands between them is not looked at.
  bool build(std::string_view document);

  /// The rest speaks of the document built last, which must have been good.
  /// The first quote at or behind `from` that begins or ends a string; beyond the document if there
  /// is none.
  [[nodiscard]] std::size_t quote(std::size_t from) const {
    // Most are near. That one lies in the next block or not must not be a branch: nothing could
    // predict it.
    const std::uint64_t near = bits_from(from, &Block::quotes);
    if (near != 0) [[likely]]
      return from + static_cast<std::size_t>(std::countr_zero(near));
    std::size_t block = from / kBytes + 1;
    while (blocks_[block].quotes == 0) ++block;
    return block * kBytes + static_cast<std::size_t>(std::countr_zero(blocks_[block].quotes));
  }
  [[nodiscard]] bool has_backslash(std::size_t from, std::size_t to) const {
    for (; to - from >= kBytes; from += kBytes)
      if (bits_from(from, &Block::backslashes) != 0) return true;
    return (bits_from(from, &Block::backslashes) & ~(~std::uint64_t{0} << (to - from))) != 0;
  }
  /// Where the bracket at `open`, which lies within `depth` others, is closed.
  [[nodiscard]] std::size_t close(std::size_t open, std::int32_t depth) const;

  static constexpr std::size_t kBytes = 64;
  struct Block {
    std::uint64_t quotes = 0;
    std::uint64_t backslashes = 0;
    std::uint64_t opens = 0;  ///< "{" and "[" outside of strings.
    std::uint64_t closes = 0;
    std::int32_t depth = 0;      ///< Brackets open before its first byte.
    std::int32_t depth_min = 0;  ///< Nowhere in it are there fewer; there may be more everywhere.
  };
  /// What the next block has to know of those before it.
  struct Carry {
    std::uint64_t in_string = 0;  // All ones, if it begins within a string.
    std::uint64_t escaped = 0;    // 1, if its first byte is.
    std::uint64_t broken = 0;     // Not 0: a string has a control character.
    std::uint64_t beyond_ascii = 0;
    std::int32_t depth = 0;
  };
  using Scan = void (*)(const char* from, std::size_t blocks, Block* to, Carry& carry);

 private:
  /// Those of 64 bytes, the first of which need not begin a block.
  [[nodiscard]] std::uint64_t bits_from(std::size_t from, std::uint64_t Block::*bits) const {
    const Block* block = &blocks_[from / kBytes];
    const std::size_t shift = from % kBytes;
    return (block[0].*bits >> shift) | ((block[1].*bits << 1U) << (kBytes - 1 - shift));
  }

  Scan scan_;
  std::vector<Block> blocks_;
  std::size_t end_ = 0;  // Of those in use; that one stops every search.
};

}  // namespace belay::monitor
