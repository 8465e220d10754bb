#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>

namespace belay::monitor {

/// The first "{" or "}" in [at, end) that is the first byte of its line; `at_line_start` says
/// whether `at` begins one. nullptr if there is none.
inline const char* column_zero_brace(const char* at, const char* end, bool at_line_start) {
  if (at == end) return nullptr;
  if (at_line_start && (*at == '{' || *at == '}')) return at;
#if defined(__SSE2__)
  // A document of a hundred short lines: one look at 16 bytes is cheaper than a search per line.
  const __m128i newline = _mm_set1_epi8('\n');
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  for (; end - at > 16; at += 16) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1));
    const __m128i brace = _mm_or_si128(_mm_cmpeq_epi8(next, open), _mm_cmpeq_epi8(next, close));
    const __m128i hit = _mm_and_si128(_mm_cmpeq_epi8(here, newline), brace);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (mask != 0) return at + std::countr_zero(mask) + 1;
  }
#endif
  for (; end - at > 1; ++at) {
    if (*at == '\n' && (at[1] == '{' || at[1] == '}')) return at + 1;
  }
  return nullptr;
}

}  // namespace belay::monitor
