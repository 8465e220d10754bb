#include "rules/judgement/window_store.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace belay::rules {
namespace {

using Ring = std::variant<CountWindow, QuantileWindow, ValueWindow, GaugeWindow>;

Ring make_ring(const WindowSpec& spec, const TimeBuckets& now) {
  switch (spec.kind) {
    case WindowSpec::Kind::count:
    case WindowSpec::Kind::reported:
    case WindowSpec::Kind::above:
      return CountWindow(spec.over, now);
    case WindowSpec::Kind::quantile:
      return QuantileWindow(spec.over, now);
    case WindowSpec::Kind::value:
      return ValueWindow(spec.over, now);
    case WindowSpec::Kind::gauge:
      return GaugeWindow(spec.over, now);
  }
  return CountWindow(spec.over, now);
}

/// Whole microseconds: "above 250 ms" is above 250,000.
std::uint32_t whole(double threshold) {
  const double nearest = std::round(threshold);
  const double value = std::fabs(threshold - nearest) < 1e-6 ? nearest : std::floor(threshold);
  return static_cast<std::uint32_t>(std::clamp(value, 0.0, 4294967295.0));
}

void put(std::string& key, std::string_view text) {
  key.append(std::to_string(text.size())).append(":").append(text);
}

void put(std::string& key, std::int64_t number) { key.append(std::to_string(number)).append(","); }

}  // namespace

std::string WindowSpec::key() const {
  std::string key;
  put(key, static_cast<std::int64_t>(of));
  put(key, static_cast<std::int64_t>(kind));
  put(key, name);
  put(key, static_cast<std::int64_t>(counted));
  put(key, status);
  for (const LabelMatch& label : labels) {
    put(key, static_cast<std::int64_t>(label.name));
    put(key, static_cast<std::int64_t>(label.test));
    put(key, label.text);
  }
  put(key, static_cast<std::int64_t>(observed));
  put(key, std::bit_cast<std::int64_t>(threshold));
  put(key, static_cast<std::int64_t>(gauge));
  put(key, static_cast<std::int64_t>(flow));
  put(key, version.all ? -1 : static_cast<std::int64_t>(version.version));
  put(key, version.is_strict ? 1 : 0);
  put(key, since.time_since_epoch().count());
  put(key, over.count());
  return key;
}

Window::Window(WindowSpec what, const TimeBuckets& now)
    : since(what.since),
      kind(what.kind),
      observed(what.observed),
      threshold_us(whole(what.threshold)),
      ring(make_ring(what, now)),
      spec(std::move(what)),
      labels(spec.labels) {}

void Window::advance(const TimeBuckets& now) {
  std::visit([&now](auto& held) { held.advance(now); }, ring);
}

std::uint64_t Window::count() const {
  if (const auto* counts = std::get_if<CountWindow>(&ring)) return counts->sum();
  if (const auto* quantiles = std::get_if<QuantileWindow>(&ring)) return quantiles->count();
  if (const auto* values = std::get_if<ValueWindow>(&ring)) return values->count();
  return std::get<GaugeWindow>(ring).count();
}

Window* WindowStore::find_or_add(WindowSpec spec, Instant now) {
  std::unique_ptr<Window>& place = by_key_[spec.key()];
  if (place == nullptr) {
    place = std::make_unique<Window>(std::move(spec), TimeBuckets(now));
    by_subject_[static_cast<std::size_t>(place->spec.of)].push_back(place.get());
  }
  kept_.push_back(place.get());
  return place.get();
}

const Feeds* WindowStore::fed_by(const Call& call, const NameTable& names) {
  std::vector<Window*> fed;
  const auto consider = [&](Window* window) {
    const WindowSpec& spec = window->spec;
    if (spec.version.takes(call.version) && is_counted(call, spec.counted, spec.status) &&
        window->labels.takes(call, names))
      fed.push_back(window);
  };
  if (call.invocation == Invocation::fetch)
    for (Window* window : of(WindowSpec::Of::requests)) consider(window);
  for (Window* window : of(WindowSpec::Of::invocations)) consider(window);
  const auto [known, is_new] = feeds_.try_emplace(std::move(fed));
  auto& [windows, feeds] = *known;
  if (!is_new) return &feeds;
  for (Window* window : windows) {
    if (window->kind == WindowSpec::Kind::count && window->since == Instant::min())
      feeds.counts.push_back(&std::get<CountWindow>(window->ring));
    else
      feeds.others.push_back(window);
  }
  return &feeds;
}

const std::vector<Window*>& WindowStore::of(WindowSpec::Of subject) const {
  return by_subject_[static_cast<std::size_t>(subject)];
}

void WindowStore::begin_release() { kept_.clear(); }

void WindowStore::end_release() {
  std::sort(kept_.begin(), kept_.end());
  const auto is_kept = [this](Window* window) {
    return std::binary_search(kept_.begin(), kept_.end(), window);
  };
  for (std::vector<Window*>& windows : by_subject_)
    std::erase_if(windows, [&](Window* window) { return !is_kept(window); });
  std::erase_if(by_key_, [&](const auto& entry) { return !is_kept(entry.second.get()); });
  feeds_.clear();
  kept_.clear();
}

void feed(Window& window, const TimeBuckets& now, const TimeBuckets& at, const Request& request) {
  if (request.at < window.since) return;
  if (window.kind == WindowSpec::Kind::count) {
    std::get<CountWindow>(window.ring).add(now, at);
    return;
  }
  const bool is_latency = window.observed == Observed::latency;
  const std::optional<std::uint32_t>& observed = is_latency ? request.latency_us : request.cpu_us;
  if (!observed) return;
  if (is_latency && request.latency_is_wall_time)
    window.wall_time_at = std::max(window.wall_time_at, request.at);
  switch (window.kind) {
    case WindowSpec::Kind::reported:
      std::get<CountWindow>(window.ring).add(now, at);
      break;
    case WindowSpec::Kind::above:
      if (*observed > window.threshold_us) std::get<CountWindow>(window.ring).add(now, at);
      break;
    case WindowSpec::Kind::quantile:
      std::get<QuantileWindow>(window.ring).add(now, at, bucket_of(*observed));
      break;
    case WindowSpec::Kind::value:
      std::get<ValueWindow>(window.ring).add(now, request.at, static_cast<double>(*observed));
      break;
    case WindowSpec::Kind::count:
    case WindowSpec::Kind::gauge:
      break;
  }
}

void feed(const Feeds& feeds, const TimeBuckets& now, const TimeBuckets& at,
          const Request& request) {
  for (CountWindow* window : feeds.counts) window->add(now, at);
  for (Window* window : feeds.others) feed(*window, now, at, request);
}

std::uint32_t count_above(const RequestSecond& second, std::uint32_t threshold_us) {
  for (const RequestSecond::Above& above : second.above)
    if (above.threshold_us == threshold_us) return above.count;
  std::uint32_t count = 0;
  for (const RequestSecond::Bucket& bucket : second.latency)
    if (bucket_lower(bucket.bucket) > static_cast<double>(threshold_us)) count += bucket.count;
  return count;
}

namespace {

void feed_latency(Window& window, const TimeBuckets& now, const TimeBuckets& at,
                  const RequestSecond& second) {
  std::uint32_t reported = 0;
  for (const RequestSecond::Bucket& bucket : second.latency) reported += bucket.count;
  if (reported == 0) return;
  if (second.like.latency_is_wall_time)
    window.wall_time_at = std::max(window.wall_time_at, second.like.at);
  switch (window.kind) {
    case WindowSpec::Kind::reported:
      std::get<CountWindow>(window.ring).add(now, at, reported);
      break;
    case WindowSpec::Kind::above:
      std::get<CountWindow>(window.ring).add(now, at, count_above(second, window.threshold_us));
      break;
    case WindowSpec::Kind::quantile:
      for (const RequestSecond::Bucket& bucket : second.latency)
        std::get<QuantileWindow>(window.ring).add(now, at, bucket.bucket, bucket.count);
      break;
    case WindowSpec::Kind::value:
      std::get<ValueWindow>(window.ring)
          .add(now, second.like.at, reported, static_cast<double>(second.latency_sum_us),
               static_cast<double>(second.latency_max_us));
      break;
    case WindowSpec::Kind::count:
    case WindowSpec::Kind::gauge:
      break;
  }
}

void feed_cpu(Window& window, const TimeBuckets& now, const TimeBuckets& at,
              const RequestSecond& second) {
  if (!second.like.cpu_us) return;
  const double cpu = static_cast<double>(*second.like.cpu_us);
  switch (window.kind) {
    case WindowSpec::Kind::reported:
      std::get<CountWindow>(window.ring).add(now, at, second.count);
      break;
    case WindowSpec::Kind::above:
      if (*second.like.cpu_us > window.threshold_us)
        std::get<CountWindow>(window.ring).add(now, at, second.count);
      break;
    case WindowSpec::Kind::quantile:
      std::get<QuantileWindow>(window.ring)
          .add(now, at, bucket_of(*second.like.cpu_us), second.count);
      break;
    case WindowSpec::Kind::value:
      std::get<ValueWindow>(window.ring)
          .add(now, second.like.at, second.count, cpu * second.count, cpu);
      break;
    case WindowSpec::Kind::count:
    case WindowSpec::Kind::gauge:
      break;
  }
}

void feed(Window& window, const TimeBuckets& now, const TimeBuckets& at,
          const RequestSecond& second) {
  if (second.like.at < window.since) return;
  if (window.kind == WindowSpec::Kind::count) {
    std::get<CountWindow>(window.ring).add(now, at, second.count);
  } else if (window.observed == Observed::latency) {
    feed_latency(window, now, at, second);
  } else {
    feed_cpu(window, now, at, second);
  }
}

}  // namespace

bool is_consistent(const RequestSecond& second) {
  std::uint64_t reported = 0;
  for (const RequestSecond::Bucket& bucket : second.latency) {
    if (bucket.count > QuantileWindow::kCountMax) return false;
    reported += bucket.count;
  }
  return reported <= second.count && std::all_of(second.above.begin(), second.above.end(),
                                                 [reported](const RequestSecond::Above& above) {
                                                   return above.count <= reported;
                                                 });
}

void feed(const Feeds& feeds, const TimeBuckets& now, const TimeBuckets& at,
          const RequestSecond& second) {
  for (CountWindow* window : feeds.counts) window->add(now, at, second.count);
  for (Window* window : feeds.others) feed(*window, now, at, second);
}

}  // namespace belay::rules
