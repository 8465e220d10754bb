#include "monitor/parse/structure_index.h"

#include <array>
#include <limits>

#include <simdjson.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"

namespace belay::monitor {
namespace {

using Block = StructureIndex::Block;
using Carry = StructureIndex::Carry;

/// One bit for each byte of a block.
struct Masks {
  std::uint64_t quotes = 0;
  std::uint64_t backslashes = 0;
  std::uint64_t opens = 0;
  std::uint64_t closes = 0;
  std::uint64_t controls = 0;
  std::uint64_t beyond_ascii = 0;
};

/// What a backslash stands before.
[[gnu::always_inline]] inline std::uint64_t escaped_by(std::uint64_t backslashes, Carry& carry) {
  std::uint64_t escaped = carry.escaped;
  carry.escaped = 0;
  for (std::uint64_t left = backslashes & ~escaped; left != 0;) {
    const std::uint64_t first = left & (~left + 1);
    escaped |= first << 1U;
    carry.escaped = first >> 63U;
    left &= ~(first | first << 1U);
  }
  return escaped;
}

/// Each bit becomes the parity of itself and those below.
[[gnu::always_inline]] inline std::uint64_t parity_up_to(std::uint64_t bits) {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

/// Inlined into each scan, and so compiled for its instructions.
[[gnu::always_inline]] inline void finish(const Masks& masks, Block& block, Carry& carry) {
  const std::uint64_t escaped = escaped_by(masks.backslashes, carry);
  const std::uint64_t quotes = masks.quotes & ~escaped;
  // From each opening quote up to, and without, the closing one.
  const std::uint64_t in_string = parity_up_to(quotes) ^ carry.in_string;
  carry.in_string = ~((in_string >> 63U) - 1);
  carry.broken |= masks.controls & in_string;
  carry.beyond_ascii |= masks.beyond_ascii;
  block.quotes = quotes;
  block.backslashes = masks.backslashes;
  block.opens = masks.opens & ~in_string;
  block.closes = masks.closes & ~in_string;
  block.depth = carry.depth;
  block.depth_min = carry.depth - std::popcount(block.closes);
  carry.depth = block.depth_min + std::popcount(block.opens);
}

// The brackets of one direction differ by this bit alone: "[" and "{", "]" and "}".
constexpr char kCurly = 0x20;
constexpr char kControlMax = 0x1f;
/// The document behind this one will be wanted next, and comes from far away.
constexpr std::size_t kAhead = 2048;

/// Eight bytes at a time, with nothing but arithmetic.
class Word {
 public:
  explicit Word(const char* from) {
    for (unsigned i = 0; i < 8; ++i)
      bits_ |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  }
  [[nodiscard]] std::uint64_t equal(char c) const { return equal_in(bits_, c); }
  [[nodiscard]] std::uint64_t equal_curly(char c) const {
    return equal_in(bits_ | kEach * static_cast<unsigned char>(kCurly), c);
  }
  [[nodiscard]] std::uint64_t controls() const {
    return gather(~(bits_ | ((bits_ & kLow) + kEach * (0x80 - 0x20))) & kHigh);
  }
  [[nodiscard]] std::uint64_t beyond_ascii() const { return gather(bits_ & kHigh); }

 private:
  static constexpr std::uint64_t kEach = 0x0101010101010101;
  static constexpr std::uint64_t kHigh = kEach * 0x80;
  static constexpr std::uint64_t kLow = kEach * 0x7f;
  /// The highest bits of eight bytes, side by side.
  static std::uint64_t gather(std::uint64_t highest) {
    return ((highest >> 7U) * 0x0102040810204080U) >> 56U;
  }
  static std::uint64_t equal_in(std::uint64_t bits, char c) {
    const std::uint64_t difference = bits ^ (kEach * static_cast<unsigned char>(c));
    return gather(~(((difference & kLow) + kLow) | difference) & kHigh);
  }
  std::uint64_t bits_ = 0;
};

void scan_portable(const char* from, std::size_t blocks, Block* to, Carry& carry) {
  for (const Block* end = to + blocks; to != end; ++to, from += StructureIndex::kBytes) {
    Masks masks;
    for (unsigned at = 0; at < StructureIndex::kBytes; at += 8) {
      const Word word(from + at);
      masks.quotes |= word.equal('"') << at;
      masks.backslashes |= word.equal('\\') << at;
      masks.opens |= word.equal_curly('{') << at;
      masks.closes |= word.equal_curly('}') << at;
      masks.controls |= word.controls() << at;
      masks.beyond_ascii |= word.beyond_ascii() << at;
    }
    finish(masks, *to, carry);
  }
}

#if defined(__x86_64__)

#define BELAY_AVX2 [[gnu::target("avx2,bmi,popcnt"), gnu::always_inline]] inline

BELAY_AVX2 std::uint64_t together(__m256i low, __m256i high) {
  const auto low_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
  const auto high_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(high));
  return low_bits | std::uint64_t{high_bits} << 32U;
}

BELAY_AVX2 std::uint64_t equal_avx2(__m256i low, __m256i high, char c) {
  const __m256i wanted = _mm256_set1_epi8(c);
  return together(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

[[gnu::target("avx2,bmi,popcnt")]] void scan_avx2(const char* from, std::size_t blocks, Block* to,
                                                  Carry& carry) {
  const __m256i curly = _mm256_set1_epi8(kCurly);
  const __m256i control = _mm256_set1_epi8(kControlMax);
  Carry local = carry;
  for (const Block* end = to + blocks; to != end; ++to, from += StructureIndex::kBytes) {
    __builtin_prefetch(from + kAhead);
    const auto* bytes = reinterpret_cast<const __m256i*>(from);
    const __m256i low = _mm256_loadu_si256(bytes);
    const __m256i high = _mm256_loadu_si256(bytes + 1);
    const __m256i low_curly = _mm256_or_si256(low, curly);
    const __m256i high_curly = _mm256_or_si256(high, curly);
    finish({.quotes = equal_avx2(low, high, '"'),
            .backslashes = equal_avx2(low, high, '\\'),
            .opens = equal_avx2(low_curly, high_curly, '{'),
            .closes = equal_avx2(low_curly, high_curly, '}'),
            .controls = together(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low),
                                 _mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high)),
            .beyond_ascii =
                static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(low, high)))},
           *to, local);
  }
  carry = local;
}

#undef BELAY_AVX2

[[gnu::target("avx512bw,bmi,popcnt")]] void scan_avx512(const char* from, std::size_t blocks,
                                                        Block* to, Carry& carry) {
  const __m512i curly = _mm512_set1_epi8(kCurly);
  Carry local = carry;
  for (const Block* end = to + blocks; to != end; ++to, from += StructureIndex::kBytes) {
    __builtin_prefetch(from + kAhead);
    const __m512i bytes = _mm512_loadu_si512(from);
    const __m512i folded = _mm512_or_si512(bytes, curly);
    finish({.quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')),
            .backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\')),
            .opens = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')),
            .closes = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}')),
            .controls = _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8(kControlMax)),
            .beyond_ascii = _mm512_movepi8_mask(bytes)},
           *to, local);
  }
  carry = local;
}

bool has_bit_instructions() {
  return __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("popcnt") != 0;
}

#endif

StructureIndex::Scan scan_of(StructureIndex::Method method) {
#if defined(__x86_64__)
  if (method == StructureIndex::Method::best && has_bit_instructions()) {
    if (__builtin_cpu_supports("avx512bw") != 0) return scan_avx512;
    if (__builtin_cpu_supports("avx2") != 0) return scan_avx2;
  }
#endif
  return scan_portable;
}

}  // namespace

StructureIndex::StructureIndex(Method method) : scan_(scan_of(method)) {}

bool StructureIndex::build(std::string_view document) {
  const std::size_t whole = document.size() / kBytes;
  // One for what is left of the document, one that stops searches.
  if (blocks_.size() < whole + 2) blocks_.resize(2 * whole + 2);
  Carry carry;
  scan_(document.data(), whole, blocks_.data(), carry);
  std::array<char, kBytes> rest;
  rest.fill(' ');
  document.substr(whole * kBytes).copy(rest.data(), rest.size());
  scan_(rest.data(), 1, &blocks_[whole], carry);
  end_ = whole + 1;
  blocks_[end_] = {.quotes = ~std::uint64_t{0},
                   .depth_min = std::numeric_limits<std::int32_t>::min()};
  if (carry.in_string != 0 || carry.broken != 0 || carry.depth != 0) return false;
  return carry.beyond_ascii == 0 || simdjson::validate_utf8(document.data(), document.size());
}

std::size_t StructureIndex::close(std::size_t open, std::int32_t depth) const {
  std::size_t block = open / kBytes;
  std::int32_t here = depth;
  std::uint64_t mask = ~std::uint64_t{0} << (open % kBytes);
  for (;;) {
    const Block& at = blocks_[block];
    for (std::uint64_t left = (at.opens | at.closes) & mask; left != 0; left &= left - 1) {
      const std::uint64_t bracket = left & (~left + 1);
      here += (at.opens & bracket) != 0 ? 1 : -1;
      if (here == depth)
        return block * kBytes + static_cast<std::size_t>(std::countr_zero(bracket));
    }
    do ++block;
    while (blocks_[block].depth_min > depth);
    BELAY_CHECK(block < end_, "a bracket of a good document is not closed");
    here = blocks_[block].depth;
    mask = ~std::uint64_t{0};
  }
}

}  // namespace belay::monitor
