#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/selector.h"
#include "rules/language/rule.h"
#include "rules/windows/count_window.h"
#include "rules/windows/gauge_window.h"
#include "rules/windows/quantile_window.h"
#include "rules/windows/value_window.h"

namespace belay::rules {

/// What one sliding window of a service is fed with. Equal ones are one window.
struct WindowSpec {
  enum class Of : std::uint8_t { requests, invocations, probe, queue, metric, prometheus };
  enum class Kind : std::uint8_t {
    count,     ///< Events that `counted`, `status` and `labels` take.
    reported,  ///< Those of them that report what is `observed`.
    above,     ///< Those of them whose observation is above `threshold`.
    quantile,  ///< Histogram of the observations.
    value,     ///< Sum, maximum and last of the observations.
    gauge,     ///< Readings of `gauge`.
  };
  Of of = Of::requests;
  Kind kind = Kind::count;
  std::string name;  ///< Of the probe, queue or metric.
  Counted counted = Counted::all;
  std::uint16_t status = 0;
  std::vector<LabelMatch> labels;
  Observed observed = Observed::latency;
  double threshold = 0;  ///< In microseconds, or in the metric's own unit.
  GaugeMeasure::Kind gauge{};
  /// What a count over a queue takes from its flow; `samples` are the samples that had one.
  enum class Flow : std::uint8_t { attempts, stalls, samples } flow{};
  VersionFilter version;
  Instant since = Instant::min();  ///< Events before it do not count.
  Duration over{};

  [[nodiscard]] std::string key() const;
};

struct Window {
  Window(WindowSpec what, const TimeBuckets& now);

  // What every request looks at lies together, ahead of what is seldom asked for.
  Instant since;
  WindowSpec::Kind kind;
  Observed observed;
  bool was_reported = false;  ///< Of a metric: a value under its name has come, ever.
  std::uint32_t threshold_us = 0;
  Instant wall_time_at = Instant::min();  ///< Newest latency in it that is wall time.
  std::variant<CountWindow, QuantileWindow, ValueWindow, GaugeWindow> ring;
  WindowSpec spec;
  LabelFilter labels;

  /// Makes it show the window that ends at `now`.
  void advance(const TimeBuckets& now);
  [[nodiscard]] std::uint64_t count() const;
};

/// The windows that requests with the same properties go to.
struct Feeds {
  std::vector<CountWindow*> counts;  ///< Count each of them.
  std::vector<Window*> others;       ///< Look at its time, or at what it reports.
};

/// The windows of one service, shared by its rules.
class WindowStore {
 public:
  /// The window of this spec, made if there is none. Good until release_unused().
  Window* find_or_add(WindowSpec spec, Instant now);

  /// What a request with these properties feeds; equal ones are one. Good until end_release().
  [[nodiscard]] const Feeds* fed_by(const Call& call, const NameTable& names);
  /// All windows of a subject by this name ("" for all names).
  [[nodiscard]] const std::vector<Window*>& of(WindowSpec::Of subject) const;

  /// Between the two, whatever is not asked for again with find_or_add() or keep() goes.
  void begin_release();
  void keep(Window* window) { kept_.push_back(window); }
  void end_release();

  [[nodiscard]] std::size_t size() const { return by_key_.size(); }

 private:
  std::map<std::string, std::unique_ptr<Window>> by_key_;
  std::array<std::vector<Window*>, 6> by_subject_;
  std::map<std::vector<Window*>, Feeds> feeds_;  // By all the windows in them.
  std::vector<Window*> kept_;
};

/// One request, or what is alike in many. The hot path: a few nanoseconds a window.
void feed(const Feeds& feeds, const TimeBuckets& now, const TimeBuckets& at,
          const Request& request);
void feed(const Feeds& feeds, const TimeBuckets& now, const TimeBuckets& at,
          const RequestSecond& second);
/// A request, or what is counted like one.
void feed(Window& window, const TimeBuckets& now, const TimeBuckets& at, const Request& request);
/// How many of a second's latencies are above a threshold: as told, else by the buckets.
std::uint32_t count_above(const RequestSecond& second, std::uint32_t threshold_us);
/// Whether its parts can be true together: no more latencies than calls, and no more of them above
/// a threshold than there are.
bool is_consistent(const RequestSecond& second);

}  // namespace belay::rules
