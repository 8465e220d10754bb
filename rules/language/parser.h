#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/language/rule.h"

namespace belay::rules {

/// One thing wrong with, or risky in, a sentence.
struct Diagnostic {
  enum class Level : std::uint8_t { error, warning } level = Level::error;
  std::uint32_t column = 1;  ///< 1-based, in bytes of the sentence.
  std::uint32_t length = 1;
  std::string message;     ///< "5xx rate is a share or a rate per second: write 5% or 5/s"
  std::string suggestion;  ///< For "did you mean"; may be empty.
};

struct ParsedSentence {
  /// Empty if there is any error; all errors of the sentence are in `diagnostics`.
  std::optional<Sentence> sentence;
  std::vector<Diagnostic> diagnostics;
};

/// Parses and type-checks one sentence (RULES.md). Pure; never throws; any bytes are allowed.
ParsedSentence parse_sentence(std::string_view text);

/// "rollback", "reset flag NAME", "run NAME", "pause", "alert".
std::variant<Then, Diagnostic> parse_then(std::string_view text);

/// The sentence's normal form: parses to the same Sentence; parse(normal_form(s)) == s.
std::string normal_form(const Sentence& sentence);

}  // namespace belay::rules
