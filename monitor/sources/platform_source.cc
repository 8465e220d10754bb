#include "monitor/sources/platform_source.h"

#include <utility>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr auto kBackoffMax = 60s;
// Cloudflare refuses a token for five minutes; whoever does not say so gets half a minute.
constexpr auto kPatience = 30s;

rules::SourceHealth health_after(const Error& error) {
  switch (error.kind) {
    case Error::Kind::failed:
    case Error::Kind::invalid:
    case Error::Kind::not_found:
    case Error::Kind::conflict:
    case Error::Kind::throttled:
      return rules::SourceHealth::refused;
    case Error::Kind::unavailable:
    case Error::Kind::timeout:
    case Error::Kind::ambiguous:
      return rules::SourceHealth::down;
  }
  return rules::SourceHealth::down;
}

}  // namespace

PlatformSource::PlatformSource(PlatformSourceOptions options)
    : options_(std::move(options)),
      backoff_(std::chrono::ceil<std::chrono::milliseconds>(options_.every), kBackoffMax),
      detail_("it was not read yet") {}

void PlatformSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  do {
    if (Steady::now() >= not_before_) look(stop, lane, clock);
    if (stop.stop_requested()) return;
    say(lane, clock);
  } while (wait(stop));
}

void PlatformSource::look(const std::stop_token& stop, Lane& lane, const Clock& clock) {
  if (!options_.calls.wait_for_turn(stop)) {
    if (stop.stop_requested()) return;
    health_ = rules::SourceHealth::refused;
    detail_ = "the platform asked for patience";
    return;
  }
  // What it answers may be of any moment since.
  const Instant asked_at = clock.now();
  Result<rules::Deployment> live = options_.platform.live(stop);
  if (stop.stop_requested()) return;
  ++reads_;
  if (!live.ok()) return note_fault(live.error());
  ++readable_;
  backoff_.reset();
  health_ = rules::SourceHealth::alive;
  detail_.clear();
  if (live->versions.empty()) return;
  live->service = options_.service;
  live->at = asked_at;
  lane.deliver(std::move(live).value());
}

void PlatformSource::note_fault(const Error& error) {
  health_ = health_after(error);
  detail_ = sanitize(error.message, 300);
  if (error.kind == Error::Kind::throttled) {
    options_.calls.pause(error.retry_after.value_or(kPatience));
  }
  not_before_ = Steady::now() + backoff_.next();
}

void PlatformSource::say(Lane& lane, const Clock& clock) const {
  lane.deliver(rules::SourceState{
      .source = options_.source, .at = clock.now(), .health = health_, .detail = detail_});
  rules::SourceProgress progress{
      .source = options_.source, .at = clock.now(), .documents = reads_, .used = readable_};
  if (reads_ > readable_) progress.rejected.push_back({"unreadable", reads_ - readable_});
  lane.deliver(std::move(progress));
}

void PlatformSource::look_now() {
  const std::scoped_lock lock(mutex_);
  is_asked_ = true;
  asked_.notify_all();
}

bool PlatformSource::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  asked_.wait_for(lock, stop, options_.every, [this] { return is_asked_; });
  if (std::exchange(is_asked_, false)) not_before_ = {};
  return !stop.stop_requested();
}

}  // namespace belay::monitor
