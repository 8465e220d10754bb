#include "monitor/parse/structure_index.h"

#include <limits>

#include <simdjson.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/check.h"

namespace belay::monitor {
namespace {

using Brackets = StructureIndex::Brackets;
using Carry = StructureIndex::Carry;
using Method = StructureIndex::Method;
using Rows = StructureIndex::Rows;

/// One bit for each byte of a block.
struct Masks {
  std::uint64_t backslashes = 0;
  std::uint64_t opens = 0;
  std::uint64_t closes = 0;
  std::uint64_t controls = 0;
  std::uint64_t beyond_ascii = 0;

  [[gnu::always_inline]] [[nodiscard]] Masks within(std::uint64_t valid) const {
    return {backslashes & valid, opens & valid, closes & valid, controls & valid,
            beyond_ascii & valid};
  }
};

// These are inlined into each scan, and so compiled for its instructions.

/// What a backslash stands before that is not escaped itself. A run of them is carried over its end
/// by an addition, which needs it to begin on an even place: those that begin on an odd one are
/// turned over.
[[gnu::always_inline]] inline std::uint64_t escaped_by(std::uint64_t backslashes, Carry& carry) {
  constexpr std::uint64_t kOdd = 0xAAAAAAAAAAAAAAAAU;
  const std::uint64_t escaping = backslashes & ~carry.escaped;
  const std::uint64_t ends = (((escaping << 1U) | kOdd) - escaping) ^ kOdd;
  const std::uint64_t escaped = ends ^ (backslashes | carry.escaped);
  carry.escaped = (ends & backslashes) >> 63U;
  return escaped;
}

/// Each bit becomes the parity of itself and those below.
[[gnu::always_inline]] inline std::uint64_t parity_up_to(std::uint64_t bits) {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

/// `parity`: of the quotes, see parity_up_to().
[[gnu::always_inline]] inline void finish(const Masks& masks, std::uint64_t quotes,
                                          std::uint64_t parity, std::size_t block, Rows rows,
                                          Carry& carry) {
  // From each opening quote up to, and without, the closing one.
  const std::uint64_t in_string = parity ^ carry.in_string;
  carry.in_string = ~((in_string >> 63U) - 1);
  carry.broken |= masks.controls & in_string;
  carry.beyond_ascii |= masks.beyond_ascii;
  rows.quotes[block] = quotes;
  rows.backslashes[block] = masks.backslashes;
  Brackets& brackets = rows.brackets[block];
  brackets.opens = masks.opens & ~in_string;
  brackets.closes = masks.closes & ~in_string;
  brackets.depth = carry.depth;
  brackets.depth_min = carry.depth - std::popcount(brackets.closes);
  carry.depth = brackets.depth_min + std::popcount(brackets.opens);
}

/// Which bytes of the block behind the last whole one are the document's; 0 if there is none.
std::uint64_t rest_of(std::string_view document) {
  return ~(~std::uint64_t{0} << (document.size() % StructureIndex::kBytes));
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

/// `valid`: which of the 64 bytes at `from` are the document's.
void index_portable(const char* from, std::size_t block, std::uint64_t valid, Rows rows,
                    Carry& carry) {
  Masks masks;
  std::uint64_t quotes = 0;
  for (unsigned at = 0; at < StructureIndex::kBytes; at += 8) {
    const Word word(from + at);
    quotes |= word.equal('"') << at;
    masks.backslashes |= word.equal('\\') << at;
    masks.opens |= word.equal_curly('{') << at;
    masks.closes |= word.equal_curly('}') << at;
    masks.controls |= word.controls() << at;
    masks.beyond_ascii |= word.beyond_ascii() << at;
  }
  masks = masks.within(valid);
  quotes &= valid & ~escaped_by(masks.backslashes, carry);
  finish(masks, quotes, parity_up_to(quotes), block, rows, carry);
}

void scan_portable(std::string_view document, Rows rows, Carry& carry) {
  const std::size_t whole = document.size() / StructureIndex::kBytes;
  const char* from = document.data();
  for (std::size_t block = 0; block < whole; ++block, from += StructureIndex::kBytes)
    index_portable(from, block, ~std::uint64_t{0}, rows, carry);
  if (const std::uint64_t rest = rest_of(document); rest != 0)
    index_portable(from, whole, rest, rows, carry);
}

#if defined(__x86_64__)

#define BELAY_AVX2 gnu::target("avx2,bmi,pclmul,popcnt")
#define BELAY_AVX512 gnu::target("avx512bw,bmi,pclmul,popcnt")

/// parity_up_to() as one multiplication without carries.
[[gnu::target("pclmul"), gnu::always_inline]] inline std::uint64_t parity_by_product(
    std::uint64_t bits) {
  const __m128i factor = _mm_cvtsi64_si128(static_cast<std::int64_t>(bits));
  const __m128i product = _mm_clmulepi64_si128(factor, _mm_set1_epi8(-1), 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}

[[BELAY_AVX2, gnu::always_inline]] inline std::uint64_t together(__m256i low, __m256i high) {
  const auto low_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
  const auto high_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(high));
  return low_bits | std::uint64_t{high_bits} << 32U;
}

[[BELAY_AVX2, gnu::always_inline]] inline std::uint64_t equal_avx2(__m256i low, __m256i high,
                                                                   char c) {
  const __m256i wanted = _mm256_set1_epi8(c);
  return together(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

[[BELAY_AVX2, gnu::always_inline]] inline void index_avx2(const char* from, std::size_t block,
                                                          std::uint64_t valid, Rows rows,
                                                          Carry& carry) {
  const __m256i curly = _mm256_set1_epi8(kCurly);
  const __m256i control = _mm256_set1_epi8(kControlMax);
  const auto* bytes = reinterpret_cast<const __m256i*>(from);
  const __m256i low = _mm256_loadu_si256(bytes);
  const __m256i high = _mm256_loadu_si256(bytes + 1);
  const __m256i low_curly = _mm256_or_si256(low, curly);
  const __m256i high_curly = _mm256_or_si256(high, curly);
  const Masks masks =
      Masks{.backslashes = equal_avx2(low, high, '\\'),
            .opens = equal_avx2(low_curly, high_curly, '{'),
            .closes = equal_avx2(low_curly, high_curly, '}'),
            .controls = together(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low),
                                 _mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high)),
            .beyond_ascii = together(low, high)}
          .within(valid);
  const std::uint64_t quotes =
      equal_avx2(low, high, '"') & valid & ~escaped_by(masks.backslashes, carry);
  finish(masks, quotes, parity_by_product(quotes), block, rows, carry);
}

[[BELAY_AVX2]] void scan_avx2(std::string_view document, Rows rows, Carry& carry) {
  const std::size_t whole = document.size() / StructureIndex::kBytes;
  const char* from = document.data();
  Carry local = carry;
  for (std::size_t block = 0; block < whole; ++block, from += StructureIndex::kBytes) {
    __builtin_prefetch(from + kAhead);
    index_avx2(from, block, ~std::uint64_t{0}, rows, local);
  }
  if (const std::uint64_t rest = rest_of(document); rest != 0)
    index_avx2(from, whole, rest, rows, local);
  carry = local;
}

[[BELAY_AVX512, gnu::always_inline]] inline void index_avx512(const char* from, std::size_t block,
                                                              std::uint64_t valid, Rows rows,
                                                              Carry& carry) {
  const __m512i bytes = _mm512_loadu_si512(from);
  const __m512i folded = _mm512_or_si512(bytes, _mm512_set1_epi8(kCurly));
  const Masks masks =
      Masks{.backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\')),
            .opens = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')),
            .closes = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}')),
            .controls = _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8(kControlMax)),
            .beyond_ascii = _mm512_movepi8_mask(bytes)}
          .within(valid);
  const std::uint64_t quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')) & valid &
                               ~escaped_by(masks.backslashes, carry);
  finish(masks, quotes, parity_by_product(quotes), block, rows, carry);
}

[[BELAY_AVX512]] void scan_avx512(std::string_view document, Rows rows, Carry& carry) {
  const std::size_t whole = document.size() / StructureIndex::kBytes;
  const char* from = document.data();
  Carry local = carry;
  for (std::size_t block = 0; block < whole; ++block, from += StructureIndex::kBytes) {
    __builtin_prefetch(from + kAhead);
    index_avx512(from, block, ~std::uint64_t{0}, rows, local);
  }
  if (const std::uint64_t rest = rest_of(document); rest != 0)
    index_avx512(from, whole, rest, rows, local);
  carry = local;
}

#undef BELAY_AVX2
#undef BELAY_AVX512

bool has_bit_instructions() {
  return __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("popcnt") != 0 &&
         __builtin_cpu_supports("pclmul") != 0;
}

bool has(Method method) {
  switch (method) {
    case Method::avx2:
      return has_bit_instructions() && __builtin_cpu_supports("avx2") != 0;
    case Method::avx512:
      return has_bit_instructions() && __builtin_cpu_supports("avx512bw") != 0;
    case Method::best:
    case Method::portable:
      return true;
  }
  return false;
}

#else

bool has(Method method) { return method == Method::best || method == Method::portable; }

#endif

StructureIndex::Scan scan_of(Method method) {
  BELAY_CHECK(has(method), "this machine does not have these instructions");
  if (method == Method::best) return scan_of(StructureIndex::methods().back());
#if defined(__x86_64__)
  if (method == Method::avx512) return scan_avx512;
  if (method == Method::avx2) return scan_avx2;
#endif
  return scan_portable;
}

}  // namespace

std::vector<Method> StructureIndex::methods() {
  std::vector<Method> found;
  for (const Method method : {Method::portable, Method::avx2, Method::avx512})
    if (has(method)) found.push_back(method);
  return found;
}

StructureIndex::StructureIndex(Method method) : scan_(scan_of(method)) {}

bool StructureIndex::build(std::string_view document) {
  end_ = (document.size() + kBytes - 1) / kBytes;
  // A search looks at 64 bits at once, from any byte on.
  constexpr std::size_t kStops = 2;
  if (brackets_.size() < end_ + kStops) {
    quotes_.resize(2 * end_ + kStops);
    backslashes_.resize(2 * end_ + kStops);
    brackets_.resize(2 * end_ + kStops);
  }
  Carry carry;
  scan_(document, {quotes_.data(), backslashes_.data(), brackets_.data()}, carry);
  for (std::size_t i = 0; i < kStops; ++i) quotes_[end_ + i] = ~std::uint64_t{0};
  brackets_[end_].depth_min = std::numeric_limits<std::int32_t>::min();
  if (carry.in_string != 0 || carry.broken != 0 || carry.depth != 0) return false;
  return carry.beyond_ascii == 0 || simdjson::validate_utf8(document.data(), document.size());
}

std::size_t StructureIndex::close(std::size_t open, std::int32_t depth) const {
  std::size_t block = open / kBytes;
  std::int32_t here = depth;
  std::uint64_t mask = ~std::uint64_t{0} << (open % kBytes);
  for (;;) {
    const Brackets& at = brackets_[block];
    for (std::uint64_t left = (at.opens | at.closes) & mask; left != 0; left &= left - 1) {
      const std::uint64_t bracket = left & (~left + 1);
      here += (at.opens & bracket) != 0 ? 1 : -1;
      if (here == depth)
        return block * kBytes + static_cast<std::size_t>(std::countr_zero(bracket));
    }
    do ++block;
    while (brackets_[block].depth_min > depth);
    BELAY_CHECK(block < end_, "a bracket of a good document is not closed");
    here = brackets_[block].depth;
    mask = ~std::uint64_t{0};
  }
}

}  // namespace belay::monitor
