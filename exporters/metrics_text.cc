#include "exporters/metrics_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "base/check.h"
#include "base/sanitize.h"

namespace belay::exporters {
namespace {

const char* name_of(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  return "untyped";
}

bool is_clean(std::string_view text) {
  if (text.size() > kLabelBytesMax) return false;
  unsigned strange = 0;  // Without a branch: this is most of what a page costs.
  for (const char c : text) strange |= static_cast<unsigned>(c < ' ' || c > '~');
  return strange == 0;
}

bool is_plain(std::string_view text) {
  if (text.size() > kLabelBytesMax) return false;
  unsigned strange = 0;
  for (const char c : text) {
    strange |= static_cast<unsigned>(c < ' ' || c > '~' || c == '"' || c == '\\');
  }
  return strange == 0;
}

/// Line breaks are gone already: label_text() spells them out.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out.push_back('\\');
    out.push_back(c);
  }
}

/// As TextSerializer writes it: 16 digits, which every value within 2^53 survives.
void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out.append("Nan");
  } else if (std::isinf(value)) {
    out.append(value < 0 ? "-Inf" : "+Inf");
  } else {
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                            std::chars_format::general, 16);
    BELAY_CHECK(error == std::errc{}, "16 digits, a sign, a point and an exponent fit");
    out.append(digits.data(), end);
  }
}

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  BELAY_CHECK(error == std::errc{}, "a 64-bit number has at most 20 digits");
  out.append(digits.data(), end);
}

}  // namespace

std::string label_text(std::string_view text) {
  return is_clean(text) ? std::string(text) : sanitize(text, kLabelBytesMax);
}

MetricsText::MetricsText(Limits limits, std::size_t bytes_expected) : limits_(limits) {
  text_.reserve(bytes_expected);
}

void MetricsText::family(std::string_view name, std::string_view help, MetricType type) {
  family_ = name;
  help_ = help;
  type_ = type;
  family_series_ = 0;
}

void MetricsText::sample(std::initializer_list<Label> labels, double value) {
  if (admit()) line("", labels, "", value);
}

void MetricsText::sample(std::initializer_list<Label> labels, std::uint64_t value) {
  if (admit()) line("", labels, "", value);
}

void MetricsText::histogram(std::initializer_list<Label> labels, std::span<const double> bounds,
                            std::span<const std::uint64_t> counts, double sum) {
  BELAY_CHECK(counts.size() == bounds.size() + 1, "a histogram has one count more than bounds");
  if (!admit()) return;
  std::uint64_t total = 0;
  for (const std::uint64_t count : counts) total += count;
  line("_count", labels, "", total);
  line("_sum", labels, "", sum);
  std::uint64_t below = 0;
  std::string bound;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    below += counts[i];
    bound.clear();
    append_number(bound, bounds[i]);
    line("_bucket", labels, bound, below);
  }
  line("_bucket", labels, "+Inf", total);
}

void MetricsText::whole(const prometheus::MetricFamily& whole) {
  const bool is_counter = whole.type == prometheus::MetricType::Counter;
  BELAY_CHECK(is_counter || whole.type == prometheus::MetricType::Gauge, "we keep no others");
  family(whole.name, whole.help, is_counter ? MetricType::counter : MetricType::gauge);
  std::vector<Label> labels;
  for (const prometheus::ClientMetric& metric : whole.metric) {
    if (!admit()) continue;
    labels.clear();
    for (const auto& label : metric.label) labels.push_back({label.name, label.value});
    line("", labels, "", is_counter ? metric.counter.value : metric.gauge.value);
  }
}

std::string MetricsText::take() { return std::exchange(text_, {}); }

bool MetricsText::admit() {
  if (family_series_ >= limits_.series_per_family_max || series_ >= limits_.series_max) {
    ++dropped_;
    return false;
  }
  if (family_series_ == 0) {
    text_.append("# HELP ").append(family_).append(" ").append(help_).append("\n# TYPE ");
    text_.append(family_).append(" ").append(name_of(type_)).append("\n");
  }
  ++family_series_;
  ++series_;
  return true;
}

void MetricsText::line(std::string_view suffix, Labels labels, std::string_view le, double value) {
  name_and_labels(suffix, labels, le);
  append_number(text_, value);
  text_.push_back('\n');
}

void MetricsText::line(std::string_view suffix, Labels labels, std::string_view le,
                       std::uint64_t value) {
  name_and_labels(suffix, labels, le);
  append_number(text_, value);
  text_.push_back('\n');
}

void MetricsText::name_and_labels(std::string_view suffix, Labels labels, std::string_view le) {
  text_.append(family_).append(suffix);
  char before = '{';
  const auto open = [&](std::string_view name) {
    text_.push_back(before);
    text_.append(name).append("=\"");
    before = ',';
  };
  for (const Label& label : labels) {
    open(label.name);
    if (is_plain(label.value)) {
      text_.append(label.value);
    } else {
      append_escaped(text_, label_text(label.value));
    }
    text_.push_back('"');
  }
  if (!le.empty()) {
    open("le");
    text_.append(le).push_back('"');
  }
  text_.append(before == ',' ? "} " : " ");
}

}  // namespace belay::exporters
