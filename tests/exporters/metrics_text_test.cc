// Goal: Prometheus reads what we write, and hostile text cannot forge a line of it. Method:
// prometheus-cpp's TextSerializer as the oracle over random families; limits and labels by example.

#include "exporters/metrics_text.h"

#include <array>
#include <cstdint>
#include <limits>
#include <list>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace belay::exporters {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr MetricsText::Limits kPlenty{.series_per_family_max = 1'000'000, .series_max = 1'000'000};

/// A random family, given to both writers.
class BothWriters {
 public:
  explicit BothWriters(std::uint32_t seed) : random_(seed) {}

  void add_family() {
    const auto kind = random_() % 3;
    prometheus::MetricFamily theirs;
    theirs.name = "family_" + std::to_string(families_.size());
    theirs.help = "What it means.";
    theirs.type = kind == 0   ? prometheus::MetricType::Counter
                  : kind == 1 ? prometheus::MetricType::Gauge
                              : prometheus::MetricType::Histogram;
    ours_.family(names_.emplace_back(theirs.name), "What it means.",
                 kind == 0   ? MetricType::counter
                 : kind == 1 ? MetricType::gauge
                             : MetricType::histogram);
    for (auto series = 1 + random_() % 4; series > 0; --series) {
      theirs.metric.push_back(kind == 2 ? histogram() : plain(kind == 0));
    }
    families_.push_back(theirs);
  }

  std::string ours() { return ours_.take(); }
  std::string theirs() { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::string text() {
    constexpr std::string_view kLetters = "abcXYZ019 /:._-{}=,\"\\";
    std::string text;
    for (auto length = random_() % 40; length > 0; --length) {
      text.push_back(kLetters[random_() % kLetters.size()]);
    }
    return text;
  }

  double number() {
    constexpr std::array kSpecial = {0.0,
                                     -0.0,
                                     1e5,
                                     0.1 + 0.2,
                                     1e22,
                                     std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(),
                                     std::numeric_limits<double>::quiet_NaN(),
                                     std::numeric_limits<double>::denorm_min(),
                                     std::numeric_limits<double>::max()};
    if (random_() % 3 == 0) return kSpecial[random_() % kSpecial.size()];
    return std::uniform_real_distribution<>(-1e6, 1e6)(random_) /
           static_cast<double>(1 + random_() % 1'000'000);
  }

  prometheus::ClientMetric plain(bool is_counter) {
    prometheus::ClientMetric metric;
    const std::string first = text();
    const std::string second = text();
    metric.label = {{"first", first}, {"second", second}};
    if (is_counter) {
      const std::uint64_t count = random_() * std::uint64_t{1'000};
      metric.counter.value = static_cast<double>(count);
      ours_.sample({{"first", first}, {"second", second}}, count);
    } else {
      metric.gauge.value = number();
      ours_.sample({{"first", first}, {"second", second}}, metric.gauge.value);
    }
    return metric;
  }

  prometheus::ClientMetric histogram() {
    constexpr std::array kBounds = {0.005, 0.25, 1.0, 10.0};
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    prometheus::ClientMetric metric;
    const std::string first = text();
    metric.label = {{"first", first}};
    metric.histogram.sample_sum = number();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] = random_() % 1'000;
      metric.histogram.sample_count += counts[i];
      const double bound =
          i < kBounds.size() ? kBounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({metric.histogram.sample_count, bound});
    }
    ours_.histogram({{"first", first}}, kBounds, counts, metric.histogram.sample_sum);
    return metric;
  }

  std::mt19937 random_;
  std::vector<prometheus::MetricFamily> families_;
  std::list<std::string> names_;
  MetricsText ours_{kPlenty};
};

TEST(MetricsText, GivesTheBytesOfTextSerializer) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    BothWriters both(seed);
    for (int family = 0; family < 10; ++family) both.add_family();
    ASSERT_EQ(both.ours(), both.theirs()) << "seed " << seed;
  }
}

TEST(MetricsText, WritesAFamilyOfPrometheusCppAsItsOwnSerializerDoes) {
  prometheus::MetricFamily family;
  family.name = "belay_sent_total";
  family.help = "Sent.";
  family.type = prometheus::MetricType::Counter;
  family.metric.resize(2);
  family.metric[0].label = {{"sink", "slack"}, {"result", "sent"}};
  family.metric[0].counter.value = 3;
  MetricsText text(kPlenty);
  text.whole(family);
  EXPECT_EQ(text.take(), prometheus::TextSerializer().Serialize({family}));
}

// On purpose unlike TextSerializer, which rounds counters beyond 2^53 and passes labels through.
TEST(MetricsText, KeepsEveryDigitOfACounter) {
  MetricsText text(kPlenty);
  text.family("count_total", "Counts.", MetricType::counter);
  text.sample({}, std::numeric_limits<std::uint64_t>::max());
  EXPECT_THAT(text.take(), HasSubstr("count_total 18446744073709551615\n"));
}

TEST(MetricsText, LetsNoLabelForgeALineOrBreakTheEncoding) {
  MetricsText text(kPlenty);
  text.family("hits_total", "Hits.", MetricType::counter);
  text.sample({{"route", "/a\n# TYPE evil counter\nevil 1\x1b[31m\xff\"}"}}, std::uint64_t{1});
  EXPECT_EQ(
      text.take(),
      "# HELP hits_total Hits.\n# TYPE hits_total counter\n"
      "hits_total{route=\"/a\\\\n# TYPE evil counter\\\\nevil 1\\\\x1B[31m\xEF\xBF\xBD\\\"}\"}"
      " 1\n");
}

TEST(MetricsText, CutsALongLabelAtACharacter) {
  std::string route(kLabelBytesMax - 1, 'a');
  route += "\xC3\xA4\xC3\xA4";
  const std::string label = label_text(route);
  EXPECT_LE(label.size(), kLabelBytesMax + 3);
  EXPECT_THAT(label, testing::EndsWith("…"));
  EXPECT_EQ(label_text(label), label);
}

TEST(MetricsText, LeavesOutSeriesOverItsLimitsAndCountsThem) {
  MetricsText text({.series_per_family_max = 2, .series_max = 3});
  text.family("first", "First.", MetricType::gauge);
  for (const char* name : {"a", "b", "c"}) text.sample({{"name", name}}, 1.0);
  text.family("second", "Second.", MetricType::gauge);
  for (const char* name : {"d", "e"}) text.sample({{"name", name}}, 1.0);
  EXPECT_EQ(text.dropped(), 2U);
  const std::string page = text.take();
  EXPECT_THAT(page, HasSubstr("first{name=\"b\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("\"c\"")));
  EXPECT_THAT(page, HasSubstr("second{name=\"d\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("\"e\"")));
}

TEST(MetricsText, LeavesNoTraceOfAFamilyWithoutASample) {
  MetricsText text(kPlenty);
  text.family("nothing", "Nothing.", MetricType::gauge);
  EXPECT_EQ(text.take(), "");
}

}  // namespace
}  // namespace belay::exporters
