#include "rules/language/sentence_grammar.h"

#include <array>

#include "rules/language/words.h"

namespace belay::rules {
namespace {

constexpr std::uint32_t kDepthMax = 16;
constexpr std::uint32_t kConditionsMax = 64;

bool is_option_word(const Token& token) {
  return token.is_word("min") || token.is_word("for") || token.is_word("confidence") ||
         token.is_word("else");
}

Condition placed(Span span, decltype(Condition::node) node) {
  return {std::move(node), span.column, span.length};
}

Span span_of(const Condition& condition) { return {condition.column, condition.length}; }

}  // namespace

Sentence SentenceGrammar::read() {
  Sentence sentence;
  if (cursor_.at_end()) {
    complaints_.error(cursor_.peek().span, "a sentence is missing, like `5xx rate > 5% over 1m`");
    return sentence;
  }
  sentence.when = read_or();
  read_options(sentence);
  return sentence;
}

Condition SentenceGrammar::read_or() { return read_group(&SentenceGrammar::read_and, "or"); }

Condition SentenceGrammar::read_and() { return read_group(&SentenceGrammar::read_leaf, "and"); }

/// Elements with `joint` between them; a single one stays itself, and a group in a group of the
/// same kind dissolves.
Condition SentenceGrammar::read_group(Condition (SentenceGrammar::*element)(),
                                      std::string_view joint) {
  std::vector<Condition> parts;
  Span span;
  do {
    Condition part = (this->*element)();
    span = parts.empty() ? span_of(part) : span.to(span_of(part));
    auto* any = std::get_if<AnyOf>(&part.node);
    auto* all = std::get_if<AllOf>(&part.node);
    std::vector<Condition>* same =
        joint == "or" ? (any ? &any->conditions : nullptr) : (all ? &all->conditions : nullptr);
    if (same == nullptr) {
      parts.push_back(std::move(part));
    } else {
      std::vector<Condition> inner = std::move(*same);
      std::move(inner.begin(), inner.end(), std::back_inserter(parts));
    }
  } while (cursor_.take_word(joint));
  if (parts.size() == 1) return std::move(parts.front());
  if (joint == "or") return placed(span, AnyOf{std::move(parts)});
  return placed(span, AllOf{std::move(parts)});
}

Condition SentenceGrammar::read_leaf() {
  if (cursor_.peek().is_symbol("(")) return read_brackets();
  const Token& begin = cursor_.peek();
  if (++conditions_ == kConditionsMax + 1) {
    complaints_.error(begin.span, "a sentence has at most 64 conditions");
  }
  auto condition = read_condition();
  if (condition) return std::move(*condition);
  skip_condition();
  return placed(begin.span, NoData{});
}

Condition SentenceGrammar::read_brackets() {
  const Span begin = cursor_.next().span;
  if (depth_ == kDepthMax) {
    complaints_.error(begin, "brackets stand at most 16 deep");
    while (!cursor_.at_end()) cursor_.next();
    return placed(begin, NoData{});
  }
  ++depth_;
  Condition inside = read_or();
  --depth_;
  if (!cursor_.take_symbol(")")) {
    if (is_option_word(cursor_.peek()) || cursor_.peek().is_symbol(",")) {
      complaints_.error(
          cursor_.peek().span,
          "options bind the whole sentence: they stand at its end, behind the brackets");
      while (!cursor_.at_end() && !cursor_.peek().is_symbol(")")) cursor_.next();
      cursor_.take_symbol(")");
    } else {
      cursor_.unexpected("`)`");
    }
  }
  return inside;
}

/// To the next place where a condition may end.
void SentenceGrammar::skip_condition() {
  std::uint32_t braces = 0;
  for (;; cursor_.next()) {
    const Token& token = cursor_.peek();
    if (token.is_symbol("{")) ++braces;
    if (token.is_symbol("}") && braces > 0) --braces;
    if (token.kind == Token::Kind::end || token.is_word("and") || token.is_word("or")) return;
    if (braces == 0 && (token.is_symbol(",") || (token.is_symbol(")") && depth_ > 0))) return;
  }
}

std::optional<Condition> SentenceGrammar::read_condition() {
  const Token& token = cursor_.peek();
  if (token.is_word("no")) return read_no_data();
  if (token.is_word("sampling")) return read_sampling();
  if (token.is_word("candidate")) return read_candidate();
  if (token.is_word("probe") && cursor_.peek(2).is_word("fails")) return read_probe_fails();
  return read_comparison(std::nullopt);
}

std::optional<Condition> SentenceGrammar::read_comparison(std::optional<SyntaxTerm> first) {
  static constexpr std::array<std::string_view, 4> kCompares = {">", ">=", "<", "<="};
  SyntaxComparison syntax;
  auto left = first ? read_side_after(cursor_, std::move(*first)) : read_side(cursor_);
  if (!left) return std::nullopt;
  syntax.left = std::move(*left);
  const Token& compare = cursor_.peek();
  const auto found = std::find(kCompares.begin(), kCompares.end(), compare.text);
  if (compare.kind != Token::Kind::symbol || found == kCompares.end()) {
    if (compare.is_symbol("=") || compare.is_symbol("!=")) {
      complaints_.error(compare.span, "a comparison is >, >=, < or <=");
    } else {
      cursor_.unexpected("a comparison (>, >=, < or <=)");
    }
    return std::nullopt;
  }
  cursor_.next();
  syntax.compare = static_cast<Compare>(found - kCompares.begin());
  auto right = read_side(cursor_);
  if (!right) return std::nullopt;
  syntax.right = std::move(*right);
  syntax.span = syntax.left.span.to(cursor_.last());
  auto comparison = type_comparison(syntax, complaints_);
  if (!comparison) return placed(syntax.span, NoData{});
  return placed(syntax.span, std::move(*comparison));
}

/// "candidate worse than ...", "candidate error rate worse than ...", or a comparison.
std::optional<Condition> SentenceGrammar::read_candidate() {
  const Span begin = cursor_.peek().span;
  if (cursor_.peek(1).is_word("worse")) {
    cursor_.next();
    return read_worse_than(begin, nullptr);
  }
  auto term = read_term(cursor_);
  if (!term) return std::nullopt;
  if (cursor_.peek().is_word("worse")) {
    return read_worse_than(begin, &std::get<SyntaxMetric>(term->operand));
  }
  return read_comparison(std::move(term));
}

std::optional<Condition> SentenceGrammar::read_worse_than(Span begin, const SyntaxMetric* metric) {
  WorseThan worse{WorseThan::What::both};
  if (metric != nullptr) {
    const auto* rate = std::get_if<RateMeasure>(&metric->metric.measure);
    const bool plain =
        std::holds_alternative<RequestsSubject>(metric->metric.subject) && metric->labels.empty();
    if (plain && rate != nullptr && rate->counted == Counted::error) {
      worse.what = WorseThan::What::errors;
    } else if (plain && metric->is_bare_latency) {
      worse = {WorseThan::What::latency, 1.10, 1.10, 0.005};
    } else {
      complaints_.error(
          metric->measure,
          "`worse than` compares `error rate`, `latency`, or both if neither is named",
          rate != nullptr ? "error rate" : "latency");
    }
  }
  cursor_.next();
  for (const std::string_view word : {"than", "baseline"}) {
    if (cursor_.take_word(word)) continue;
    cursor_.unexpected("`worse than baseline`", std::array{word});
    return std::nullopt;
  }
  if (cursor_.peek().is_word("by") && !read_margin(worse)) return std::nullopt;
  if (cursor_.peek().is_word("over")) {
    complaints_.error(cursor_.peek().span,
                      "`worse than` looks at the whole rollout and has no window");
    return std::nullopt;
  }
  return placed(begin.to(cursor_.last()), worse);
}

bool SentenceGrammar::read_margin(WorseThan& worse) {
  cursor_.next();
  const Token& number = cursor_.peek();
  const double value = number.measured.quantity.value;
  const bool is_percent = number.kind == Token::Kind::quantity &&
                          number.measured.quantity.dimension == Dimension::share;
  const bool is_points = number.kind == Token::Kind::number &&
                         (cursor_.peek(1).is_word("point") || cursor_.peek(1).is_word("points"));
  if (!is_percent && !is_points) {
    cursor_.unexpected("a margin like `25%` or `0.5 points`");
    return false;
  }
  cursor_.next();
  if (is_points) cursor_.next();
  const Span span = number.span.to(cursor_.last());
  if (worse.what == WorseThan::What::both) {
    complaints_.error(span, "a margin needs a metric: write `candidate error rate worse than ...`");
  } else if (is_points && worse.what == WorseThan::What::latency) {
    complaints_.error(span, "a latency is worse by a percentage, like 10%", "10%");
  } else if (value <= 0 || (is_percent && value > 10) || (is_points && value > 100)) {
    complaints_.error(span, "a margin is greater than 0, and at most 1000% or 100 points");
  } else if (is_points) {
    worse.rho = 1;
    worse.filter_points = read_hundredths(number.text).value_or(0);
  } else if (worse.what == WorseThan::What::errors) {
    worse.rho = 1 + value;
  } else {
    worse.latency_factor = 1 + value;
  }
  return true;
}

std::optional<Condition> SentenceGrammar::read_probe_fails() {
  const Span begin = cursor_.next().span;
  ProbeFails probe;
  const auto name = cursor_.name("a probe");
  if (!name) return std::nullopt;
  probe.probe = *name;
  cursor_.next();
  const Span counts = cursor_.peek().span;
  const auto failures = cursor_.integer("a number of failures", 1, 100);
  if (!failures) return std::nullopt;
  if (!cursor_.take_word("of")) {
    cursor_.unexpected("`of` and the number of tries", std::array<std::string_view, 1>{"of"});
    return std::nullopt;
  }
  const auto of = cursor_.integer("a number of tries", 1, 100);
  if (!of) return std::nullopt;
  if (*failures > *of) {
    complaints_.error(counts.to(cursor_.last()), "more failures than tries: this can never be");
  }
  probe.failures = *failures;
  probe.of = *of;
  return placed(begin.to(cursor_.last()), probe);
}

std::optional<Duration> SentenceGrammar::read_lasting() {
  if (!cursor_.take_word("for")) {
    cursor_.unexpected("`for` and a duration", std::array<std::string_view, 1>{"for"});
    return std::nullopt;
  }
  const auto lasts = cursor_.duration("60s");
  if (!lasts) return std::nullopt;
  check_window(lasts->over, lasts->span, complaints_);
  return lasts->over;
}

std::optional<Condition> SentenceGrammar::read_no_data() {
  const Span begin = cursor_.next().span;
  NoData out;
  if (!cursor_.take_word("data")) {
    cursor_.unexpected("`no data`", std::array<std::string_view, 1>{"data"});
    return std::nullopt;
  }
  if (cursor_.take_word("from")) {
    const auto source = cursor_.name("a source");
    if (!source) return std::nullopt;
    out.source = *source;
  }
  const auto lasts = read_lasting();
  if (!lasts) return std::nullopt;
  out.lasts = *lasts;
  return placed(begin.to(cursor_.last()), out);
}

std::optional<Condition> SentenceGrammar::read_sampling() {
  const Span begin = cursor_.next().span;
  if (!cursor_.take_word("from")) {
    cursor_.unexpected("`from` and a source", std::array<std::string_view, 1>{"from"});
    return std::nullopt;
  }
  SamplingFrom out;
  const auto source = cursor_.name("a source");
  if (!source) return std::nullopt;
  out.source = *source;
  const auto lasts = read_lasting();
  if (!lasts) return std::nullopt;
  out.lasts = *lasts;
  return placed(begin.to(cursor_.last()), out);
}

}  // namespace belay::rules
