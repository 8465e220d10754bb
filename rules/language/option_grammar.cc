#include <array>

#include "rules/language/sentence_grammar.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

constexpr std::array<std::string_view, 7> kFollowing = {"over", "and",        "or",  "min",
                                                        "for",  "confidence", "else"};
constexpr std::array<std::string_view, 4> kOptions = {"min", "for", "confidence", "else"};
constexpr Duration kHoldMax = std::chrono::hours{24};

}  // namespace

void SentenceGrammar::read_options(Sentence& sentence) {
  while (!cursor_.at_end()) {
    const bool comma = cursor_.take_symbol(",");
    if (read_option(sentence)) continue;
    // A fault is reported; the next option can still be read.
    if (comma && cursor_.at_end()) return;
    const Token& token = cursor_.peek();
    if ((token.is_word("and") || token.is_word("or")) && complaints_.errors() == 0) {
      complaints_.error(token.span, "options bind the whole sentence: they stand at its end");
      return;
    }
    while (!cursor_.at_end() && !cursor_.peek().is_symbol(",")) cursor_.next();
  }
}

bool SentenceGrammar::read_option(Sentence& sentence) {
  const Span begin = cursor_.peek().span;
  if (cursor_.take_word("min")) return read_min(sentence, begin);
  if (cursor_.take_word("for")) return read_hold(sentence, begin);
  if (cursor_.take_word("confidence")) return read_confidence(sentence, begin);
  if (cursor_.take_word("else")) return read_else(sentence, begin);
  const Token& token = cursor_.peek();
  const bool options_began = min_at || hold_at || confidence_at || else_at;
  if (options_began && (token.is_word("and") || token.is_word("or"))) return false;
  if (token.is_symbol(")")) {
    complaints_.error(token.span, "this bracket was never opened");
    return false;
  }
  if (options_began) {
    cursor_.unexpected("an option (min, for, confidence, else)", kOptions);
  } else {
    cursor_.unexpected("and, or, over or an option (min, for, confidence, else)", kFollowing);
  }
  return false;
}

bool SentenceGrammar::first_time(std::optional<Span>& seen, Span begin, std::string_view option) {
  const Span span = begin.to(cursor_.last());
  if (seen) {
    complaints_.error(span, "`" + std::string(option) + "` stands here twice");
    return false;
  }
  seen = span;
  return true;
}

bool SentenceGrammar::read_min(Sentence& sentence, Span begin) {
  const auto count = cursor_.integer("a number of samples", 1, 1'000'000'000);
  if (!count) return false;
  const Token& unit = cursor_.peek();
  const auto floor = unit.kind == Token::Kind::word ? floor_unit(unit.text) : std::nullopt;
  if (!floor) {
    static constexpr std::array<std::string_view, 4> kUnits = {"requests", "invocations", "samples",
                                                               "jobs"};
    cursor_.unexpected("requests, invocations, samples or jobs", kUnits);
    return false;
  }
  cursor_.next();
  if (first_time(min_at, begin, "min")) {
    sentence.samples_min = *count;
    sentence.floor = *floor;
  }
  return true;
}

bool SentenceGrammar::read_hold(Sentence& sentence, Span begin) {
  const auto lasts = cursor_.duration("30s");
  if (!lasts) return false;
  std::optional<SyntaxWindow> within;
  if (cursor_.take_word("of")) {
    within = cursor_.duration("1m");
    if (!within) return false;
  }
  for (const auto& duration : {lasts, within}) {
    if (!duration) continue;
    const bool whole = duration->over % std::chrono::seconds{1} == Duration::zero();
    if (!whole || duration->over < std::chrono::seconds{1} || duration->over > kHoldMax) {
      complaints_.error(duration->span,
                        "rules are checked every second: whole seconds, from 1s to 24h", "1s");
    }
  }
  if (within && lasts->over > within->over) {
    complaints_.error(lasts->span.to(within->span), "this can never be: the whole is shorter");
  }
  if (first_time(hold_at, begin, "for")) {
    sentence.hold_for = lasts->over;
    if (within) sentence.hold_within = within->over;
  }
  return true;
}

bool SentenceGrammar::read_confidence(Sentence& sentence, Span begin) {
  const Token& token = cursor_.peek();
  const bool is_percent =
      token.kind == Token::Kind::quantity && token.measured.quantity.dimension == Dimension::share;
  if (!is_percent) {
    if (token.kind == Token::Kind::number) {
      complaints_.error(token.span, "a confidence is in percent", std::string(token.text) + "%");
      cursor_.next();
      return true;
    }
    cursor_.unexpected("a percentage like 99%");
    return false;
  }
  cursor_.next();
  const double confidence = token.measured.quantity.value;
  if (confidence < 0.5 || confidence > 0.9999999) {
    complaints_.error(token.span, "a confidence lies between 50% and 99.99999%", "99%");
  }
  if (first_time(confidence_at, begin, "confidence")) sentence.confidence = confidence;
  return true;
}

bool SentenceGrammar::read_else(Sentence& sentence, Span begin) {
  const bool fails = cursor_.take_word("fail");
  if (!fails && !cursor_.take_word("hold")) {
    static constexpr std::array<std::string_view, 2> kElse = {"hold", "fail"};
    cursor_.unexpected("hold or fail (nothing makes unknown pass)", kElse);
    return false;
  }
  if (first_time(else_at, begin, "else")) sentence.unknown_fails = fails;
  return true;
}

}  // namespace belay::rules
