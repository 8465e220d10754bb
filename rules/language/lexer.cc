#include "rules/language/lexer.h"

#include <algorithm>
#include <array>

#include "rules/language/words.h"

namespace belay::rules {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; }

class Lexer {
 public:
  Lexer(std::string_view text, Complaints& complaints) : text_(text), complaints_(complaints) {}

  std::vector<Token> run() {
    for (;;) {
      const std::size_t before = at_;
      while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
      Token token = at_ == text_.size() ? Token{} : next();
      if (token.kind == Token::Kind::end) token.span = {column(at_), 0};
      token.blank_before = at_start_ || token.span.column > column(before);
      at_start_ = false;
      tokens_.push_back(std::move(token));
      if (tokens_.back().kind == Token::Kind::end) return std::move(tokens_);
    }
  }

 private:
  static std::uint32_t column(std::size_t offset) { return static_cast<std::uint32_t>(offset) + 1; }

  /// Takes the bytes up to `end`.
  Token take(Token::Kind kind, std::size_t end) {
    Token token;
    token.kind = kind;
    token.text = text_.substr(at_, end - at_);
    token.span = {column(at_), static_cast<std::uint32_t>(end - at_)};
    at_ = end;
    return token;
  }

  Token next() {
    const char c = text_[at_];
    if (is_digit(c)) return number();
    if (is_letter(c)) {
      std::size_t end = at_;
      while (end < text_.size() && is_name_char(text_[end])) ++end;
      return take(Token::Kind::word, end);
    }
    if (c == '"') return string();
    if (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) return fraction();
    return symbol();
  }

  Token number() {
    std::size_t end = at_;
    while (end < text_.size() &&
           (is_letter(text_[end]) || is_digit(text_[end]) ||
            (text_[end] == '.' && end + 1 < text_.size() && is_name_char(text_[end + 1])))) {
      ++end;
    }
    if (end < text_.size() && text_[end] == '%') {
      ++end;
    } else if (end + 1 < text_.size() && text_[end] == '/' && is_letter(text_[end + 1])) {
      ++end;
      while (end < text_.size() && is_letter(text_[end])) ++end;
    }
    Token token = take(Token::Kind::number, end);
    classify(token);
    return token;
  }

  void classify(Token& token) {
    const std::string_view text = token.text;
    if (text.size() == 3 && text.ends_with("xx") && text[0] >= '1' && text[0] <= '5') {
      token.kind = Token::Kind::status_class;
      token.measured.quantity.value = text[0] - '0';
      return;
    }
    const bool is_factor = text.ends_with('x');
    const NumberRead read = read_number(is_factor ? text.substr(0, text.size() - 1) : text);
    if (!read.measured || (is_factor && read.measured->quantity.dimension != Dimension::count)) {
      token.kind = Token::Kind::broken;
      explain(token, read.measured ? NumberFault::unknown_unit : read.fault);
      return;
    }
    token.measured = *read.measured;
    if (is_factor) {
      token.kind = Token::Kind::factor;
    } else if (token.measured.quantity.dimension != Dimension::count) {
      token.kind = Token::Kind::quantity;
    }
  }

  void explain(const Token& token, NumberFault fault) {
    static constexpr std::array<std::string_view, 8> kUnits = {"ms", "s", "m",  "h",
                                                               "d",  "B", "KB", "MB"};
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kSpelled = {
        {{"sec", "s"},
         {"secs", "s"},
         {"second", "s"},
         {"seconds", "s"},
         {"min", "m"},
         {"mins", "m"},
         {"minutes", "m"},
         {"hours", "h"},
         {"days", "d"},
         {"/sec", "/s"},
         {"/min", "/m"},
         {"rps", "/s"}}};
    switch (fault) {
      case NumberFault::too_precise:
        return complaints_.error(token.span, "a number has at most 15 significant digits");
      case NumberFault::too_large:
        return complaints_.error(token.span, "this number is too large");
      case NumberFault::not_a_number:
        return complaints_.error(token.span, "numbers are plain decimals: 5, 0.5, 1000");
      case NumberFault::unknown_unit:
        break;
    }
    const auto split = std::find_if(token.text.begin(), token.text.end(),
                                    [](char c) { return !is_digit(c) && c != '.'; });
    const std::string number(token.text.begin(), split);
    const std::string unit(split, token.text.end());
    std::string meant = unit.starts_with('/') ? std::string() : suggest(unit, kUnits);
    for (const auto& [word, symbol] : kSpelled) {
      if (unit == word) meant = symbol;
    }
    complaints_.error(token.span,
                      "\"" + unit + "\" is no unit: %, ms, s, m, h, d, /s, /m, B, KB and MB are",
                      meant.empty() ? "" : number + meant);
  }

  Token fraction() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && (is_name_char(text_[end]) || text_[end] == '%')) ++end;
    Token token = take(Token::Kind::broken, end);
    complaints_.error(token.span, "a number begins with a digit", "0" + std::string(token.text));
    return token;
  }

  Token string() {
    std::string content;
    std::size_t end = at_ + 1;
    bool control = false;
    while (end < text_.size() && text_[end] != '"') {
      const bool escapes = text_[end] == '\\' && end + 1 < text_.size() &&
                           (text_[end + 1] == '"' || text_[end + 1] == '\\');
      if (escapes) ++end;
      control = control || static_cast<unsigned char>(text_[end]) < 0x20 || text_[end] == 0x7f;
      content += text_[end++];
    }
    const bool closed = end < text_.size();
    Token token = take(Token::Kind::string, closed ? end + 1 : end);
    token.string = std::move(content);
    if (!closed) complaints_.error({token.span.column, 1}, "this quote is never closed");
    if (closed && control)
      complaints_.error(token.span, "a control character stands in this string");
    if (closed && token.string.empty()) complaints_.error(token.span, "this string is empty");
    if (!closed || control || token.string.empty()) token.kind = Token::Kind::broken;
    return token;
  }

  Token symbol() {
    static constexpr std::array<std::string_view, 17> kSymbols = {
        ">=", "<=", "!=", "=~", "!~", "{", "}", "(", ")", ",", "+", "-", "~", ">", "<", "%", "/"};
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view symbol : kSymbols) {
      if (rest.starts_with(symbol)) return take(Token::Kind::symbol, at_ + symbol.size());
    }
    return foreign(rest);
  }

  /// What other languages write, and what nobody does.
  Token foreign(std::string_view rest) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kForeign = {
        {{"&&", "and"},
         {"||", "or"},
         {"&", "and"},
         {"|", "or"},
         {"≥", ">="},
         {"≤", "<="},
         {"×", "x"},
         {"'", "\""}}};
    if (rest.starts_with('=') && !rest.starts_with("==")) return take(Token::Kind::symbol, at_ + 1);
    if (rest.starts_with("==")) {
      Token token = take(Token::Kind::broken, at_ + 2);
      complaints_.error(token.span, "a comparison is >, >=, < or <=");
      return token;
    }
    for (const auto& [theirs, ours] : kForeign) {
      if (!rest.starts_with(theirs)) continue;
      Token token = take(Token::Kind::broken, at_ + theirs.size());
      complaints_.error(token.span, "\"" + std::string(theirs) + "\" is not of this language",
                        std::string(ours));
      return token;
    }
    std::size_t end = at_ + 1;  // one character, whatever its bytes
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) ++end;
    Token token = take(Token::Kind::broken, end);
    complaints_.error(token.span, "this character means nothing here");
    return token;
  }

  std::string_view text_;
  Complaints& complaints_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  bool at_start_ = true;
};

}  // namespace

std::vector<Token> lex(std::string_view text, Complaints& complaints) {
  return Lexer(text, complaints).run();
}

}  // namespace belay::rules
