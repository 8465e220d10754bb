#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/language/lexer.h"
#include "rules/language/syntax.h"

namespace belay::rules {

/// Walks the tokens of a sentence. Never leaves them: the last one is `end` and is not passed.
class Cursor {
 public:
  Cursor(const std::vector<Token>& tokens, std::string_view text, Complaints& complaints)
      : tokens_(tokens), text_(text), complaints_(complaints) {}

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool take_word(std::string_view word) { return peek().is_word(word) && advance(); }
  bool take_symbol(std::string_view symbol) { return peek().is_symbol(symbol) && advance(); }
  [[nodiscard]] bool at_end() const { return peek().kind == Token::Kind::end; }
  /// The last token taken.
  [[nodiscard]] Span last() const { return tokens_[at_ == 0 ? 0 : at_ - 1].span; }
  [[nodiscard]] std::string slice(Span span) const {
    return std::string(text_.substr(span.column - 1, span.length));
  }
  [[nodiscard]] Complaints& complaints() { return complaints_; }

  /// Reports that `wanted` should stand here; of a word, also which of `candidates` was meant.
  /// Silent on a token that the lexer has reported.
  void unexpected(std::string_view wanted, std::span<const std::string_view> candidates = {});

  /// A name: a word that is no keyword, or a string. `what` is "a queue".
  std::optional<std::string> name(std::string_view what);
  /// A duration such as 30s. Reports and returns nothing if there is none.
  std::optional<SyntaxWindow> duration(std::string_view example);
  /// A whole number from min to max.
  std::optional<std::uint32_t> integer(std::string_view what, std::uint32_t min, std::uint32_t max);

 private:
  bool advance() {
    next();
    return true;
  }
  const std::vector<Token>& tokens_;
  std::string_view text_;
  Complaints& complaints_;
  std::size_t at_ = 0;
};

}  // namespace belay::rules
