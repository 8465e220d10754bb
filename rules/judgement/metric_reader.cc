#include "rules/judgement/metric_reader.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string_view>

namespace belay::rules {
namespace {

constexpr Duration kStalledOver = std::chrono::minutes{1};
constexpr Duration kLastOver = std::chrono::minutes{1};  // `metric NAME last` without a window.

/// Labels that say what happened belong to what is counted; the others to the whole that it is a
/// share of.
std::vector<LabelMatch> labels_of_the_whole(const std::vector<LabelMatch>& labels) {
  std::vector<LabelMatch> whole;
  for (const LabelMatch& label : labels)
    if (label.name != LabelName::status && label.name != LabelName::outcome) whole.push_back(label);
  return whole;
}

void worsen(std::optional<UnknownKind>& kind, UnknownKind other) {
  if (!kind || other < *kind) kind = other;
}

/// What a window really spans while its newest bucket fills (windows/time_buckets.h).
double spanned_seconds(Duration length, Instant now) {
  const WindowShape shape(length);
  const Duration since_epoch = now.time_since_epoch();
  Duration filled = since_epoch % shape.width();
  if (filled < Duration::zero()) filled += shape.width();
  return seconds(shape.length() - shape.width() + filled);
}

}  // namespace

Binding Binding::of_the_service_before() {
  return Binding{.unscoped = {}, .candidate = VersionFilter{}, .baseline = VersionFilter{}};
}

Binding Binding::of_one_version(NameId version, Instant since) {
  const VersionFilter strict{.all = false, .version = version, .is_strict = true};
  return Binding{.unscoped = strict, .candidate = strict, .baseline = strict, .since = since};
}

MetricReader::MetricReader(const Metric& metric, const Binding& binding, ServiceEvidence& evidence,
                           std::optional<ExactThreshold> exact, const std::string& queue,
                           Instant now)
    : over_(metric.over.value_or(Duration::zero())), since_(binding.since), exact_(exact) {
  WindowSpec spec;
  spec.since = binding.since;
  spec.labels = metric.labels;
  const std::optional<VersionFilter> version =
      metric.scope == Scope::unscoped
          ? binding.unscoped
          : (metric.scope == Scope::candidate ? binding.candidate : binding.baseline);
  is_missing_baseline_ = !version;
  spec.version = version.value_or(VersionFilter{});

  if (std::holds_alternative<InvocationsSubject>(metric.subject)) {
    spec.of = WindowSpec::Of::invocations;
  } else if (const auto* probe = std::get_if<ProbeSubject>(&metric.subject)) {
    spec.of = WindowSpec::Of::probe;
    spec.name = probe->name;
    kind_ = SourceKind::probe;
    for (const std::uint32_t index : evidence.of_kind(kind_))
      if (evidence.source(index).plan().name == probe->name) source_ = index;
    has_source_ = source_.has_value();
  } else if (const auto* of_queue = std::get_if<QueueSubject>(&metric.subject)) {
    spec.of = WindowSpec::Of::queue;
    spec.name = of_queue->is_expression ? queue : of_queue->name;
    spec.version = VersionFilter{};
    kind_ = SourceKind::queue;
  } else if (const auto* named = std::get_if<MetricSubject>(&metric.subject)) {
    spec.of = WindowSpec::Of::metric;
    spec.name = named->name;
    is_named_ = true;
    unit_ = named->to_base;
  } else if (const auto* scraped = std::get_if<PrometheusSubject>(&metric.subject)) {
    spec.of = WindowSpec::Of::prometheus;
    spec.name = scraped->name;
    kind_ = SourceKind::prometheus;
    unit_ = scraped->to_base;
  }
  const bool may_lack_version =
      spec.of == WindowSpec::Of::probe || spec.of == WindowSpec::Of::prometheus;
  is_strict_ = spec.version.is_strict && may_lack_version;
  is_of_all_ = version && version->is_strict && spec.of == WindowSpec::Of::queue;
  // Requests always name their version, or speak for none: the same window serves both.
  if (!may_lack_version) spec.version.is_strict = false;

  if (const auto* rate = std::get_if<RateMeasure>(&metric.measure)) {
    bind_counts(*rate, std::move(spec), evidence, now);
  } else if (const auto* quantile = std::get_if<QuantileMeasure>(&metric.measure)) {
    way_ = Way::quantile;
    quantile_ = quantile->quantile;
    bind_observed(quantile->observed, std::move(spec), evidence, now);
  } else if (const auto* aggregate = std::get_if<AggregateMeasure>(&metric.measure)) {
    using Kind = AggregateMeasure::Kind;
    way_ = aggregate->kind == Kind::mean  ? Way::mean
           : aggregate->kind == Kind::max ? Way::max
           : aggregate->kind == Kind::sum ? Way::sum
                                          : Way::last;
    if (over_ == Duration::zero()) over_ = kLastOver;
    bind_observed(aggregate->observed, std::move(spec), evidence, now);
  } else {
    bind_gauge(metric, std::move(spec), evidence, now);
  }
}

void MetricReader::bind_counts(const RateMeasure& rate, WindowSpec spec, ServiceEvidence& evidence,
                               Instant now) {
  way_ = rate.is_share ? Way::share : Way::rate;
  spec.over = over_;
  WindowSpec whole = spec;
  whole.labels = labels_of_the_whole(spec.labels);
  bind_flow(spec, evidence, now);
  spec.counted = rate.counted;
  spec.status = rate.status;
  numerator_ = evidence.windows.find_or_add(std::move(spec), now);
  denominator_ = evidence.windows.find_or_add(std::move(whole), now);
}

void MetricReader::bind_flow(WindowSpec spec, ServiceEvidence& evidence, Instant now) {
  if (spec.of != WindowSpec::Of::queue) return;
  spec.flow = WindowSpec::Flow::samples;
  flow_samples_ = evidence.windows.find_or_add(std::move(spec), now);
}

void MetricReader::bind_observed(Observed observed, WindowSpec spec, ServiceEvidence& evidence,
                                 Instant now) {
  spec.over = over_;
  const bool is_time = observed != Observed::value;
  if (is_time) unit_ = 1e-6;
  const bool is_call =
      spec.of == WindowSpec::Of::requests || spec.of == WindowSpec::Of::invocations;
  if (is_call) all_ = evidence.windows.find_or_add(spec, now);
  spec.observed = observed;
  spec.kind = way_ == Way::quantile ? WindowSpec::Kind::quantile : WindowSpec::Kind::value;
  shape_ = evidence.windows.find_or_add(spec, now);
  if (way_ != Way::quantile || !exact_) return;
  spec.kind = WindowSpec::Kind::above;
  const double threshold = is_time ? exact_->value * 1e6 : exact_->value / unit_;
  if (!exact_->or_equal) {
    spec.threshold = threshold;
  } else if (is_time) {
    spec.threshold = std::ceil(threshold - 1e-6) - 1;
  } else {
    spec.threshold = std::nextafter(threshold, -std::numeric_limits<double>::infinity());
  }
  above_ = evidence.windows.find_or_add(std::move(spec), now);
}

void MetricReader::bind_gauge(const Metric& metric, WindowSpec spec, ServiceEvidence& evidence,
                              Instant now) {
  needs_min_ = false;
  if (std::holds_alternative<StalledMeasure>(metric.measure)) {
    way_ = Way::total;
    if (over_ == Duration::zero()) over_ = kStalledOver;
    spec.over = over_;
    bind_flow(spec, evidence, now);
    denominator_ = evidence.windows.find_or_add(spec, now);
    spec.flow = WindowSpec::Flow::stalls;
    numerator_ = evidence.windows.find_or_add(std::move(spec), now);
    return;
  }
  spec.kind = WindowSpec::Kind::gauge;
  spec.over = over_ == Duration::zero() ? kWindowMin : over_;
  if (const auto* gauge = std::get_if<GaugeMeasure>(&metric.measure)) {
    way_ = over_ == Duration::zero() ? Way::newest : Way::gauge_mean;
    spec.gauge = gauge->kind;
  } else {
    way_ = Way::slope;
    spec.gauge = GaugeMeasure::Kind::depth;
  }
  shape_ = evidence.windows.find_or_add(std::move(spec), now);
}

void MetricReader::keep(WindowStore& windows) const {
  for (Window* window : {numerator_, denominator_, all_, above_, shape_, flow_samples_})
    if (window != nullptr) windows.keep(window);
}

Reading MetricReader::read(const ServiceEvidence& evidence, Instant now,
                           std::optional<std::uint32_t> samples_min) const {
  Reading reading;
  const TimeBuckets moment(now);
  for (Window* window : {numerator_, denominator_, all_, above_, shape_, flow_samples_})
    if (window != nullptr) window->advance(moment);
  read_sources(reading, evidence, now);
  const Window* samples = denominator_ != nullptr ? denominator_ : shape_;
  if (is_missing_baseline_ || is_of_all_ || (is_strict_ && samples->count() == 0)) {
    reading.unknown = UnknownKind::no_baseline;
    return reading;
  }
  if (way_ == Way::newest || way_ == Way::gauge_mean || way_ == Way::slope) {
    read_gauge(reading, evidence, now);
    return reading;
  }
  if (flow_samples_ != nullptr && flow_samples_->count() == 0) {
    reading.unknown = UnknownKind::blind;  // Nobody could follow the queue's events.
    return reading;
  }
  read_value(reading, now);
  if (is_named_ && !samples->was_reported) reading.value.reset();
  const std::uint64_t wanted = needs_min_ ? samples_min.value_or(0) : 0;
  if (reading.value && reading.denominator >= wanted) return reading;
  const bool is_unreported = all_ != nullptr && all_->count() > reading.denominator &&
                             all_->count() >= std::max<std::uint64_t>(wanted, 1);
  reading.unknown = is_unreported ? UnknownKind::no_latency : UnknownKind::no_traffic;
  return reading;
}

void MetricReader::read_value(Reading& reading, Instant now) const {
  if (numerator_ != nullptr) {
    reading.numerator = numerator_->count();
    reading.denominator = denominator_->count();
    const auto count = static_cast<double>(reading.numerator);
    if (way_ == Way::rate) {
      reading.value = count / spanned_seconds(over_, now);
    } else if (way_ == Way::share && reading.denominator > 0) {
      reading.value = count / static_cast<double>(reading.denominator);
    } else if (way_ == Way::total) {
      reading.value = count;
    }
    return;
  }
  reading.denominator = shape_->count();
  reading.by_wall_time = shape_->wall_time_at > now - over_;
  std::optional<double> value;
  if (way_ == Way::quantile) {
    value = std::get<QuantileWindow>(shape_->ring).quantile(quantile_);
    if (above_ != nullptr) reading.numerator = above_->count();
  } else {
    const auto& values = std::get<ValueWindow>(shape_->ring);
    value = way_ == Way::mean  ? values.mean()
            : way_ == Way::max ? values.max()
            : way_ == Way::sum ? std::optional<double>(values.sum())
                               : values.last();
  }
  if (value) reading.value = *value * unit_;
}

bool MetricReader::exceeds() const {
  return quantile_exceeds(quantile_, shape_->count(), above_->count());
}

void MetricReader::read_gauge(Reading& reading, const ServiceEvidence& evidence,
                              Instant now) const {
  const auto& gauge = std::get<GaugeWindow>(shape_->ring);
  Duration stale_after{};
  bool is_warming = false;
  for (const std::uint32_t index : evidence.of_kind(kind_)) {
    const SourceRecord& source = evidence.source(index);
    stale_after = std::max(stale_after, source.silence_max());
    is_warming =
        is_warming || source.is_warming(now, std::max(source.silence_max(), over_), since_);
  }
  reading.denominator = gauge.count();
  if (way_ == Way::newest) {
    const std::optional<GaugeWindow::Reading>& newest = gauge.newest();
    if (newest) reading.denominator = 1;
    if (newest && now - newest->at <= stale_after) reading.value = newest->value;
  } else {
    reading.value = way_ == Way::slope ? gauge.slope() : gauge.mean();
    // The source lives, but what it is asked for cannot be read any more.
    if (gauge.newest() && now - gauge.newest()->at > stale_after)
      worsen(reading.uncovered, UnknownKind::blind);
  }
  if (reading.value) {
    reading.value = *reading.value * unit_;
  } else {
    reading.unknown = is_warming ? UnknownKind::warming : UnknownKind::blind;
  }
}

void MetricReader::read_sources(Reading& reading, const ServiceEvidence& evidence,
                                Instant now) const {
  const auto consider = [&](const SourceRecord& source) {
    if (const std::optional<UnknownKind> trouble = source.trouble(now))
      worsen(reading.uncovered, *trouble);
    if (source.covered(now, over_, since_) < kCoverageMin)
      worsen(reading.uncovered,
             source.is_warming(now, over_, since_) ? UnknownKind::warming : UnknownKind::blind);
  };
  if (source_) {
    consider(evidence.source(*source_));
    return;
  }
  if (!has_source_ || evidence.of_kind(kind_).empty())
    worsen(reading.uncovered, UnknownKind::blind);
  if (has_source_)
    for (const std::uint32_t index : evidence.of_kind(kind_)) consider(evidence.source(index));
}

}  // namespace belay::rules
