#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>

namespace belay::monitor {

inline bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// The first byte at or behind `at` that is not blank; there must be one, with 16 readable bytes
/// behind it.
inline const char* beyond_blanks(const char* at) {
  if (static_cast<unsigned char>(*at) > ' ') return at;
#if defined(__SSE2__)
  // An indented document is a third blanks.
  for (;; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto is = [&bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    const __m128i blank =
        _mm_or_si128(_mm_or_si128(is(' '), is('\n')), _mm_or_si128(is('\r'), is('\t')));
    const auto others = static_cast<unsigned>(_mm_movemask_epi8(blank)) ^ 0xffffU;
    if (others != 0) return at + std::countr_zero(others);
  }
#else
  while (is_blank(*at)) ++at;
  return at;
#endif
}

}  // namespace belay::monitor
