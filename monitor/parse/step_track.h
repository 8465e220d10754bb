#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace belay::monitor {

/// What stood between the values in the objects read before: comma, blanks, key, colon, or the
/// closing bracket. The documents of a log have the same keys in the same order, and to compare
/// with what is expected is much quicker than to find out what is there. What a step means is found
/// out once. Holds the first kPlaces of an object.
template <typename Meaning, std::size_t kPlaces>
class StepTrack {
 public:
  struct Step {
    Meaning meaning{};
    std::size_t size = 0;
  };
  /// Readable bytes that expected() needs, and how long a step may be.
  static constexpr std::size_t kBytes = 48;

  /// What was learned last for this place, if it is what stands at `at`; nullptr if not.
  [[nodiscard]] const Step* expected(std::size_t place, const char* at) const {
    if (place >= kPlaces) return nullptr;
    const Place& known = places_[place];
    return known.stands(at) ? &known.step : nullptr;
  }

  /// Longer ones than kBytes are not learned.
  void learn(std::size_t place, std::string_view text, Meaning meaning) {
    if (place >= kPlaces || text.size() > kBytes) return;
    places_[place].step = {meaning, text.size()};
    std::memcpy(places_[place].text.data(), text.data(), text.size());
  }

 private:
  struct Place {
    std::array<char, kBytes> text{};
    Step step;  // Of no size until something is learned.

    [[nodiscard]] bool stands(const char* at) const {
#if defined(__SSE2__)
      // All bytes at once: a comparison of a length that is not known would be a call.
      const auto equal = [&](std::size_t from) {
        const auto load = [from](const char* bytes) {
          return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + from));
        };
        return static_cast<std::uint64_t>(
            _mm_movemask_epi8(_mm_cmpeq_epi8(load(at), load(text.data()))));
      };
      const std::uint64_t different = ~(equal(0) | equal(16) << 16U | equal(32) << 32U);
      return step.size > 0 && different << (64 - step.size) == 0;
#else
      return step.size > 0 && std::memcmp(at, text.data(), step.size) == 0;
#endif
    }
  };
  std::array<Place, kPlaces> places_;
};

}  // namespace belay::monitor
