#include "monitor/replay/replay.h"

#include <algorithm>
#include <utility>

#include "rules/event_time.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStep = 250ms;
// Nothing but whole seconds is checked in a long silence, so nothing between them need be stepped.
constexpr Duration kLongSilence = 10min;
constexpr Duration kEndless = 24h * 365;
constexpr rules::SourceId kRecording{0};

rules::Plan with_recording(rules::Plan plan) {
  plan.sources = {{.name = "recording", .kind = rules::SourceKind::log}};
  plan.unlimited_lateness = true;
  return plan;
}

}  // namespace

Replay::Replay(Options options, EachStep each_step)
    : options_(std::move(options)),
      each_step_(std::move(each_step)),
      parser_({.format = options_.format,
               .source = kRecording,
               .latency_field = options_.latency_field}) {
  unnamed_ = parser_.interner().id(options_.service, TextUse::service);
}

void Replay::feed(std::string_view bytes) {
  parser_.feed(bytes, largest_, parsed_);
  take(parsed_);
}

void Replay::end_of_file() {
  parser_.finish(largest_, parsed_);
  take(parsed_);
}

void Replay::finish() {
  if (!engine_) return;
  step_to(largest_);
  step();
}

void Replay::take(std::vector<rules::Event>& parsed) {
  // Texts are defined before anything that may use them, whichever document brought them.
  for (rules::TextDefined& text : parser_.interner().take_defined()) {
    waiting_.emplace_back(std::move(text));
  }
  for (rules::Event& event : parsed) {
    auto* const request = std::get_if<rules::Request>(&event);
    if (request != nullptr && request->service == rules::kNoText) request->service = unnamed_;
    auto* const thrown = std::get_if<rules::Thrown>(&event);
    if (thrown != nullptr && thrown->service == rules::kNoText) thrown->service = unnamed_;
    if (thrown == nullptr) ++events_;
    const auto at = request != nullptr ? std::optional(request->at) : rules::time_of(event);
    // The parser's stand-in for a time, before there was any.
    const bool timeless = !at || (*at == Instant{} && !first_);
    if (timeless) {
      waiting_.push_back(std::move(event));
    } else {
      take(std::move(event), *at);
    }
  }
  parsed.clear();
}

void Replay::take(rules::Event&& event, Instant at) {
  if (!first_) begin(at);
  if (at > largest_ + kJumpMax) {
    ++jumps_;
    if (!jump_) jump_ = Jump{events_ - 1, at - largest_};
    return;
  }
  if (at > largest_) {
    step_to(at);
    largest_ = at;
  }
  if (const auto* state = std::get_if<rules::SourceState>(&event)) health_ = state->health;
  waiting_.push_back(std::move(event));
}

void Replay::begin(Instant first) {
  first_ = largest_ = first;
  const Instant start{std::chrono::floor<std::chrono::seconds>(first.time_since_epoch())};
  next_step_ = moves_at_ = start;
  engine_.emplace(with_recording(options_.plan), start);
  if (!options_.gate) return;
  rules::RolloutStarted gate = *options_.gate;
  gate.at = start;
  gate.steps = options_.steps;
  if (!gate.steps.empty()) gate.steps.back().bake = gate.steps.back().bake_max = kEndless;
  waiting_.emplace_back(std::move(gate));
  move_traffic(start + kStep);
}

void Replay::move_traffic(Instant until) {
  for (; moved_ < options_.steps.size() && moves_at_ < until; ++moved_) {
    const rules::RolloutStep& step = options_.steps[moved_];
    rules::Deployment deployment{.service = options_.gate->service, .at = moves_at_};
    deployment.versions.push_back({options_.gate->candidate, step.percent});
    if (step.percent < 100 && !options_.gate->baseline.empty())
      deployment.versions.push_back({options_.gate->baseline, 100 - step.percent});
    std::ranges::stable_sort(deployment.versions, std::ranges::greater{},
                             &rules::Deployment::Share::percent);
    waiting_.emplace_back(std::move(deployment));
    moves_at_ += step.bake;
  }
}

void Replay::step_to(Instant until) {
  while (next_step_ < until) {
    const bool whole_second = next_step_.time_since_epoch() % 1s == 0s;
    if (whole_second || until - next_step_ < kLongSilence) step();
    next_step_ += kStep;
  }
}

void Replay::step() {
  if (next_step_.time_since_epoch() % 1s == 0s) {
    waiting_.emplace_back(rules::SourceState{kRecording, next_step_, health_, {}});
  }
  // What a step is worth at its end is judged before the traffic moves on.
  if (options_.gate) move_traffic(next_step_);
  const rules::Step made = engine_->step(next_step_, waiting_);
  waiting_.clear();
  ++steps_;
  each_step_(made, next_step_);
}

Replay::Summary Replay::summary() const {
  Summary summary{.documents = parser_.documents(),
                  .used = parser_.used(),
                  .rejected = parser_.rejected(),
                  .unreadable = parser_.unreadable(),
                  .events = events_,
                  .bytes = parser_.bytes(),
                  .steps = steps_,
                  .first = first_};
  if (first_) summary.last = largest_;
  const auto refuse = [&summary](const std::string& reason, std::uint64_t count) {
    if (count == 0) return;
    summary.rejected[reason] += count;
    summary.used -= std::min(summary.used, count);
  };
  refuse("time_jump", jumps_);
  if (!engine_) return summary;
  const rules::Snapshot snapshot = engine_->snapshot();
  for (const rules::SourceStatus& source : snapshot.sources) {
    for (const auto& [reason, count] : source.rejected_total) refuse(reason, count);
  }
  return summary;
}

std::optional<rules::Snapshot> Replay::snapshot() const {
  if (!engine_) return std::nullopt;
  return engine_->snapshot();
}

std::optional<rules::RolloutStatus> Replay::rollout() const {
  if (!engine_ || !options_.gate) return std::nullopt;
  const rules::Snapshot snapshot = engine_->snapshot();
  for (const rules::ServiceStatus& service : snapshot.services)
    if (service.name == options_.gate->service) return service.rollout;
  return std::nullopt;
}

}  // namespace belay::monitor
