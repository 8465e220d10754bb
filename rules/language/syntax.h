#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rules/language/complaints.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// A comparison as written, before its types are known.

struct SyntaxLabel {
  LabelMatch match;
  Span name;
  Span text;
};

struct SyntaxMetric {
  Metric metric;                     ///< Without windows, and its rates without is_share.
  bool has_measure = true;           ///< "metric NAME" alone has none.
  bool is_bare_latency = false;      ///< "latency" goes with `worse than` only.
  bool says_requests = false;        ///< "requests rate", which is not for invocations.
  std::optional<Observed> observed;  ///< "latency" or "cpu" behind a quantile, a mean or a max.
  std::vector<SyntaxLabel> labels;
  Span scope;
  Span subject;
  Span measure;
  Span span;
  std::string measure_text;  ///< "5xx rate", for messages.
  std::string text;          ///< All of it as written.
};

struct SyntaxQuantity {
  Quantity quantity;
  double number = 0;  ///< In front of its unit or of "points".
  Span span;
};

struct SyntaxTerm {
  double factor = 1;
  std::variant<SyntaxQuantity, SyntaxMetric> operand;
  Span span;
};

struct SyntaxWindow {
  Duration over{};
  Span span;
};

struct SyntaxSide {
  std::vector<SyntaxTerm> terms;  ///< One or two.
  bool subtract = false;
  std::optional<SyntaxWindow> over;
  Span span;
};

struct SyntaxComparison {
  SyntaxSide left;
  Compare compare{};
  SyntaxSide right;  ///< Its window is the one at the end of the condition.
  Span span;
};

/// Types a comparison and gives its metrics their windows. Nothing if something is wrong, which is
/// reported then.
std::optional<Comparison> type_comparison(const SyntaxComparison& syntax, Complaints& complaints);

/// Whether the metric's words go together ("depth" with a queue, ...); reports if they do not.
bool check_metric(const SyntaxMetric& syntax, Complaints& complaints);

/// Windows and lasting conditions: 5 s to 24 h. Reports if it is not.
void check_window(Duration window, Span span, Complaints& complaints);

}  // namespace belay::rules
