#include <algorithm>
#include <array>

#include "rules/language/metric_grammar.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

/// "5 %" and "250 ms": a unit that does not touch its number. Reports it.
bool unit_stands_apart(Cursor& cursor, const Token& number) {
  static constexpr std::array<std::string_view, 10> kUnits = {"%", "ms", "s",  "m",  "h",
                                                              "d", "B",  "KB", "MB", "/"};
  const Token& unit = cursor.peek();
  const bool is_unit = std::find(kUnits.begin(), kUnits.end(), unit.text) != kUnits.end();
  if (!is_unit) return false;
  std::string together = std::string(number.text) + std::string(cursor.next().text);
  if (unit.is_symbol("/") && cursor.peek().kind == Token::Kind::word) {
    together += cursor.next().text;
  }
  cursor.complaints().error(number.span.to(cursor.last()), "a unit touches its number", together);
  return true;
}

std::optional<SyntaxTerm> read_quantity(Cursor& cursor) {
  const Token& token = cursor.next();
  SyntaxQuantity out{token.measured.quantity, token.measured.quantity.value, token.span};
  if (out.quantity.dimension == Dimension::share) {
    out.number = read_decimal(percent_text(out.quantity.value)).value_or(0);
  }
  if (token.kind == Token::Kind::number) {
    if (cursor.take_word("point") || cursor.take_word("points")) {
      out.quantity = {read_hundredths(token.text).value_or(0), Dimension::points};
      out.span = token.span.to(cursor.last());
    } else if (unit_stands_apart(cursor, token)) {
      return std::nullopt;
    }
  }
  return SyntaxTerm{1, out, out.span};
}

/// A number with a sign, which the language does not have: "- 1" is written with blanks on both
/// sides.
bool minus_touches(Cursor& cursor, const Token& sign) {
  const Token& after = cursor.peek(1);
  if (sign.blank_before && after.blank_before) return false;
  cursor.complaints().error(sign.span, "a minus stands between blanks",
                            "- " + std::string(after.text));
  return true;
}

/// "ovr 1m": a word near to `over`, and a duration.
bool over_is_misspelt(Cursor& cursor) {
  static constexpr std::array<std::string_view, 6> kWords = {"over", "and",        "or",
                                                             "min",  "confidence", "else"};
  const Token& word = cursor.peek();
  return word.kind == Token::Kind::word && word.text != "over" && word.text != "for" &&
         cursor.peek(1).measured.duration && suggest(word.text, kWords) == "over";
}

}  // namespace

std::optional<SyntaxTerm> read_term(Cursor& cursor) {
  const Token& token = cursor.peek();
  const Span begin = token.span;
  if (token.kind == Token::Kind::quantity) return read_quantity(cursor);
  SyntaxTerm out;
  const bool is_factor = token.kind == Token::Kind::factor ||
                         (token.kind == Token::Kind::number && cursor.peek(1).is_word("x"));
  if (is_factor) {
    out.factor = token.measured.quantity.value;
    if (out.factor <= 0) cursor.complaints().error(begin, "a factor is greater than 0");
    cursor.next();
    cursor.take_word("x");
  } else if (token.kind == Token::Kind::number && !cursor.peek(1).is_word("rate")) {
    return read_quantity(cursor);
  }
  auto metric = read_metric(cursor);
  if (!metric) return std::nullopt;
  out.operand = std::move(*metric);
  out.span = begin.to(cursor.last());
  return out;
}

std::optional<SyntaxSide> read_side(Cursor& cursor) {
  auto first = read_term(cursor);
  if (!first) return std::nullopt;
  return read_side_after(cursor, std::move(*first));
}

std::optional<SyntaxSide> read_side_after(Cursor& cursor, SyntaxTerm first) {
  SyntaxSide out;
  out.span = first.span;
  out.terms.push_back(std::move(first));
  const Token& sign = cursor.peek();
  if (sign.is_symbol("+") || sign.is_symbol("-")) {
    out.subtract = sign.is_symbol("-");
    if (out.subtract && minus_touches(cursor, sign)) return std::nullopt;
    cursor.next();
    auto second = read_term(cursor);
    if (!second) return std::nullopt;
    out.terms.push_back(std::move(*second));
    if (cursor.peek().is_symbol("+") || cursor.peek().is_symbol("-")) {
      cursor.complaints().error(cursor.peek().span, "a side has two terms at most");
      return std::nullopt;
    }
  }
  out.span = out.span.to(cursor.last());
  if (over_is_misspelt(cursor)) {
    static constexpr std::array<std::string_view, 1> kOver = {"over"};
    cursor.unexpected("`over`", kOver);
    cursor.next();
    out.over = cursor.duration("1m");
  } else if (cursor.take_word("over")) {
    out.over = cursor.duration("1m");
    if (!out.over) return std::nullopt;
    check_window(out.over->over, out.over->span, cursor.complaints());
  }
  return out;
}

}  // namespace belay::rules
