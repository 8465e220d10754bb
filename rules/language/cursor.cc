#include "rules/language/cursor.h"

#include <cmath>

#include "rules/language/words.h"

namespace belay::rules {

void Cursor::unexpected(std::string_view wanted, std::span<const std::string_view> candidates) {
  const Token& token = peek();
  if (token.kind == Token::Kind::broken) return;
  const std::string found = token.kind == Token::Kind::end
                                ? "the sentence ends here"
                                : "found \"" + std::string(token.text) + "\"";
  const std::string meant =
      token.kind == Token::Kind::word ? suggest(token.text, candidates) : std::string();
  complaints_.error(token.span, found + ", where " + std::string(wanted) + " should stand",
                    meant == token.text ? std::string() : meant);
}

std::optional<std::string> Cursor::name(std::string_view what) {
  const Token& token = peek();
  if (token.kind == Token::Kind::string) return next().string;
  if (token.kind == Token::Kind::word && !is_keyword(token.text)) return std::string(next().text);
  if (token.kind == Token::Kind::word) {
    complaints_.error(token.span,
                      "the name of " + std::string(what) + " should stand here; \"" +
                          std::string(token.text) +
                          "\" is a word of the language: quote it if it is "
                          "the name",
                      quote(token.text));
  } else if (token.kind == Token::Kind::number || token.kind == Token::Kind::quantity) {
    complaints_.error(token.span, "a name that begins with a digit has to be quoted",
                      quote(token.text));
  } else {
    unexpected("the name of " + std::string(what));
  }
  return std::nullopt;
}

std::optional<SyntaxWindow> Cursor::duration(std::string_view example) {
  const Token& token = peek();
  if (token.kind == Token::Kind::quantity && token.measured.duration) {
    next();
    return SyntaxWindow{*token.measured.duration, token.span};
  }
  if (token.kind == Token::Kind::number) {
    const std::string number(token.text);
    complaints_.error(token.span,
                      "a duration needs a unit that touches it: " + number + "s or " + number + "m",
                      number + "s");
    next();
    return std::nullopt;
  }
  unexpected("a duration like " + std::string(example));
  return std::nullopt;
}

std::optional<std::uint32_t> Cursor::integer(std::string_view what, std::uint32_t min,
                                             std::uint32_t max) {
  const Token& token = peek();
  if (token.kind != Token::Kind::number) {
    unexpected(what);
    return std::nullopt;
  }
  next();
  const double value = token.measured.quantity.value;
  if (std::floor(value) != value || value < min || value > max) {
    complaints_.error(token.span, std::string(what) + " is a whole number from " +
                                      std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(value);
}

}  // namespace belay::rules
