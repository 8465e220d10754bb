#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/language/complaints.h"
#include "rules/language/units.h"

namespace belay::rules {

/// The longest sentence that is read; one that a person can still read is far shorter.
inline constexpr std::size_t kSentenceBytesMax = 4096;

struct Token {
  enum class Kind : std::uint8_t {
    end,           ///< Always the last one; it stands behind the sentence.
    word,          ///< "rate", "p99.9", "mauntic-gateway"
    string,        ///< "..." with \" and \\; any other backslash stays, for expressions.
    number,        ///< Without a unit: "50"
    quantity,      ///< With one: "5%", "1m30s"
    status_class,  ///< "5xx"
    factor,        ///< "1.2x": the x touches
    symbol,        ///< { } ( ) , + - ~ > >= < <= = != =~ !~ % /
    broken,        ///< Reported already.
  };
  Kind kind = Kind::end;
  Span span;
  std::string_view text;  ///< As written.
  std::string string;     ///< A string's content.
  Measured measured;      ///< A number, a quantity, a factor's number, a status class's digit.
  bool blank_before = false;

  [[nodiscard]] bool is_word(std::string_view word) const {
    return kind == Kind::word && text == word;
  }
  [[nodiscard]] bool is_symbol(std::string_view symbol) const {
    return kind == Kind::symbol && text == symbol;
  }
};

/// Any bytes are allowed. `text` has to outlive the tokens.
std::vector<Token> lex(std::string_view text, Complaints& complaints);

}  // namespace belay::rules
