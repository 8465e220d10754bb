#include "exporters/prometheus.h"

#include <utility>

namespace belay::exporters {

Prometheus::Prometheus(std::string version, const OwnCounts& own, MetricsText::Limits limits)
    : version_(std::move(version)), own_(own), limits_(limits) {}

void Prometheus::publish(const rules::Snapshot& snapshot) {
  traffic_.add(snapshot);
  latest_.set(std::make_shared<const Published>(Published{snapshot, traffic_.by_service()}));
}

void Prometheus::notify(const rules::Notice& /*notice*/) {}

void Prometheus::configured(bool is_good, Instant at) {
  const auto before = configured_.get();
  const Instant taken = is_good || before == nullptr ? at : before->taken;
  configured_.set(std::make_shared<const Configured>(Configured{is_good, taken}));
}

const std::string& Prometheus::render(std::chrono::steady_clock::time_point now) {
  constexpr std::chrono::seconds kCached{1};
  if (is_written_ && now - written_ < kCached) return text_;
  MetricsText text(limits_, text_.size() + text_.size() / 8);
  const auto published = latest_.get();
  const Published nothing_yet;
  const auto configured = configured_.get();
  const Published& shown = published ? *published : nothing_yet;
  write_page({.version = version_,
              .snapshot = shown.snapshot,
              .traffic = shown.traffic,
              .own = own_.collect(),
              .configured = configured ? std::optional(*configured) : std::nullopt,
              .dropped_before = dropped_},
             text);
  dropped_ += text.dropped();
  text_ = text.take();
  written_ = now;
  is_written_ = true;
  return text_;
}

}  // namespace belay::exporters
