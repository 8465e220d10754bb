#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace prometheus {
struct MetricFamily;
}  // namespace prometheus

namespace belay::exporters {

enum class MetricType : std::uint8_t { counter, gauge, histogram };

struct Label {
  std::string_view name;
  std::string_view value;  ///< Any bytes: written as label_text() shows them, and escaped.
};
inline constexpr std::size_t kLabelBytesMax = 200;

/// What a label says of any text: sanitized, cut at kLabelBytesMax. Different texts may say the
/// same; who writes two samples of one family makes sure that their labels differ.
std::string label_text(std::string_view text);

/// Writes Prometheus' text format 0.0.4 straight into one string, with a bound on the number of
/// series: for clean labels the same bytes as prometheus-cpp's TextSerializer, at a fraction of its
/// cost (docs/adr/0002-metrics-text.md). A family without a sample leaves no trace.
class MetricsText {
 public:
  struct Limits {
    std::size_t series_per_family_max = 1'000;
    std::size_t series_max = 10'000;  ///< A histogram counts as one, with all its buckets.
  };
  explicit MetricsText(Limits limits, std::size_t bytes_expected = 0);

  /// Opens a family; the samples that follow belong to it. Each name at most once. `name` and
  /// `help` outlive the samples.
  void family(std::string_view name, std::string_view help, MetricType type);
  void sample(std::initializer_list<Label> labels, double value);
  void sample(std::initializer_list<Label> labels, std::uint64_t value);
  /// `counts` are not cumulative and one longer than `bounds`: the last is what lies above all of
  /// them.
  void histogram(std::initializer_list<Label> labels, std::span<const double> bounds,
                 std::span<const std::uint64_t> counts, double sum);
  /// A whole family of prometheus-cpp's; counters and gauges only.
  void whole(const prometheus::MetricFamily& family);

  /// Series left out because of the limits.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::string take();

 private:
  using Labels = std::span<const Label>;
  bool admit();
  void line(std::string_view suffix, Labels labels, std::string_view le, double value);
  void line(std::string_view suffix, Labels labels, std::string_view le, std::uint64_t value);
  void name_and_labels(std::string_view suffix, Labels labels, std::string_view le);

  Limits limits_;
  std::string text_;
  std::string_view family_;
  std::string_view help_;
  MetricType type_{};
  std::size_t family_series_ = 0;
  std::size_t series_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace belay::exporters
