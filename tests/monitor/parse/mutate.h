#pragma once

#include <random>
#include <string>

namespace belay::monitor::test {

/// Breaks a text a little: cuts its end off, or changes, adds or takes out some bytes.
inline void mutate(std::string& text, std::mt19937& random) {
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  if (text.empty()) return;
  switch (below(4)) {
    case 0:
      text.resize(below(text.size()));
      break;
    case 1:
      text[below(text.size())] = static_cast<char>(below(256));
      break;
    case 2:
      text.insert(below(text.size()), 1, "{}[]\",:\\\n\0e-"[below(12)]);
      break;
    default:
      text.erase(below(text.size()), 1 + below(20));
      break;
  }
}

}  // namespace belay::monitor::test
