#pragma once

#include <optional>
#include <vector>

#include "rules/language/cursor.h"
#include "rules/language/metric_grammar.h"

namespace belay::rules {

/// Reads `rule`: conditions under and, or and brackets, then the options. After a fault it goes on
/// behind the next and, or or comma, so that one reading finds all of them. What it returns is
/// whole only if nothing was reported.
class SentenceGrammar {
 public:
  explicit SentenceGrammar(Cursor& cursor) : cursor_(cursor), complaints_(cursor.complaints()) {}

  Sentence read();

 private:
  Condition read_or();
  Condition read_and();
  Condition read_leaf();
  Condition read_group(Condition (SentenceGrammar::*element)(), std::string_view joint);
  Condition read_brackets();
  std::optional<Condition> read_condition();
  std::optional<Condition> read_comparison(std::optional<SyntaxTerm> first);
  std::optional<Condition> read_candidate();
  std::optional<Condition> read_worse_than(Span begin, const SyntaxMetric* metric);
  bool read_margin(WorseThan& worse);
  std::optional<Condition> read_probe_fails();
  std::optional<Condition> read_no_data();
  std::optional<Condition> read_sampling();
  std::optional<Duration> read_lasting();
  void skip_condition();

  void read_options(Sentence& sentence);
  bool read_option(Sentence& sentence);
  bool read_min(Sentence& sentence, Span begin);
  bool read_hold(Sentence& sentence, Span begin);
  bool read_confidence(Sentence& sentence, Span begin);
  bool read_else(Sentence& sentence, Span begin);
  bool first_time(std::optional<Span>& seen, Span begin, std::string_view option);

  Cursor& cursor_;
  Complaints& complaints_;
  std::uint32_t depth_ = 0;
  std::uint32_t conditions_ = 0;

 public:
  /// Where the options stand, for the checks that need the whole sentence.
  std::optional<Span> min_at, hold_at, confidence_at, else_at;
};

/// What can only be said of a whole sentence: whether its options go with its conditions, and what
/// a missing `min` risks.
void check_sentence(const Sentence& sentence, const SentenceGrammar& places,
                    Complaints& complaints);

}  // namespace belay::rules
