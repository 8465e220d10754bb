#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "exporters/latest.h"
#include "exporters/metrics_page.h"
#include "exporters/own_counts.h"
#include "exporters/sink.h"

namespace belay::exporters {

/// Tells Prometheus: keeps the newest snapshot, and writes /metrics from it when asked. Nothing
/// that a scraper does reaches the engine.
class Prometheus : public Sink {
 public:
  /// `version`: of this program. `own` outlives it.
  Prometheus(std::string version, const OwnCounts& own, MetricsText::Limits limits = {});

  /// Copies what it needs: some 0.3 us a series.
  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;

  /// Any thread: a configuration was taken, or refused.
  void configured(bool is_good, Instant at);

  /// The page, at most a second old, so that a storm of scrapers costs one page a second. For one
  /// thread, the listener's; good until it asks again. `now` must not go back.
  const std::string& render(
      std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Published {
    rules::Snapshot snapshot;
    TrafficTotals::ByService traffic;
  };
  std::string version_;
  const OwnCounts& own_;
  MetricsText::Limits limits_;
  TrafficTotals traffic_;  // The engine's thread only.
  Latest<Published> latest_;
  Latest<Configured> configured_;

  // The listener's thread only.
  std::string text_;
  std::chrono::steady_clock::time_point written_{};
  bool is_written_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace belay::exporters
