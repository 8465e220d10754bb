#include "rules/language/parser.h"

#include <array>

#include "rules/language/sentence_grammar.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

Diagnostic at(Span span, std::string message, std::string suggestion = {}) {
  return {Diagnostic::Level::error, span.column, std::max<std::uint32_t>(span.length, 1),
          std::move(message), std::move(suggestion)};
}

constexpr std::string_view kActions = "rollback, reset flag NAME, run NAME, pause or alert";

}  // namespace

ParsedSentence parse_sentence(std::string_view text) {
  ParsedSentence out;
  Complaints complaints;
  if (text.size() > kSentenceBytesMax) {
    complaints.error({1, 1}, "a sentence has at most 4096 bytes");
    out.diagnostics = std::move(complaints).take();
    return out;
  }
  const std::vector<Token> tokens = lex(text, complaints);
  Cursor cursor(tokens, text, complaints);
  SentenceGrammar grammar(cursor);
  Sentence sentence = grammar.read();
  if (complaints.errors() == 0) check_sentence(sentence, grammar, complaints);
  if (complaints.errors() == 0) {
    sentence.text = std::string(text);
    out.sentence = std::move(sentence);
  }
  out.diagnostics = std::move(complaints).take();
  return out;
}

std::variant<Then, Diagnostic> parse_then(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kWords = {"rollback", "reset", "run", "pause",
                                                             "alert"};
  Complaints complaints;
  const std::vector<Token> tokens = lex(text.substr(0, kSentenceBytesMax), complaints);
  if (complaints.errors() > 0) return std::move(complaints).take().front();
  const auto token = [&](std::size_t i) -> const Token& {
    return tokens[std::min(i, tokens.size() - 1)];
  };
  Then then;
  std::size_t name_at = 0;
  if (token(0).is_word("rollback")) {
    then.kind = Then::Kind::rollback;
  } else if (token(0).is_word("reset") && token(1).is_word("flag")) {
    then.kind = Then::Kind::reset_flag;
    name_at = 2;
  } else if (token(0).is_word("run")) {
    then.kind = Then::Kind::run;
    name_at = 1;
  } else if (token(0).is_word("pause")) {
    then.kind = Then::Kind::pause;
  } else if (!token(0).is_word("alert")) {
    const std::string meant = suggest(token(0).text, kWords);
    return at(token(0).span, "an action is " + std::string(kActions),
              token(0).is_word("reset") || meant == "reset" ? "reset flag" : meant);
  }
  if (name_at > 0) {
    const Token& name = token(name_at);
    if (name.kind != Token::Kind::word && name.kind != Token::Kind::string) {
      return at(name.span, "the name of a " + std::string(name_at == 2 ? "flag" : "command") +
                               " should stand here");
    }
    then.name = name.kind == Token::Kind::string ? name.string : std::string(name.text);
  }
  const Token& rest = token(name_at + 1);
  if (rest.kind != Token::Kind::end) {
    return at(rest.span,
              "nothing follows an action; a rule has one (" + std::string(kActions) + ")");
  }
  return then;
}

}  // namespace belay::rules
