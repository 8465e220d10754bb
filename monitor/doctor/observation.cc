#include "monitor/doctor/observation.h"

#include <memory>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "monitor/gate_versions.h"
#include "monitor/inbox.h"
#include "monitor/parts.h"
#include "monitor/platform/platforms.h"
#include "rules/engine.h"

namespace belay::monitor {
namespace {

constexpr std::chrono::milliseconds kStepEvery{100};

/// Sources on threads of their own, until the end of this.
class Readers {
 public:
  Readers(const Config& config, const Clock& clock) : clock_(clock) {
    for (std::size_t i = 0; i < config.sources.size(); ++i) {
      if (!is_observable(config.sources[i])) continue;
      const auto id = rules::SourceId{static_cast<std::uint32_t>(i)};
      sources_.push_back(
          make_source(config.sources[i], config.plan.sources[i], id, {gates_, platforms_, calls_}));
      lanes_.push_back(&inbox_.add_lane(id));
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      threads_.emplace_back([this, i](std::stop_token stop) {
        sources_[i]->run(std::move(stop), *lanes_[i], clock_);
      });
    }
  }
  ~Readers() {
    for (std::jthread& thread : threads_) thread.request_stop();
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  std::vector<rules::Event> take() { return inbox_.drain(kStepEvery); }

 private:
  const Clock& clock_;
  const Platforms platforms_;
  const GateVersions gates_;
  CallBudget calls_;
  Inbox inbox_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Lane*> lanes_;
  std::vector<std::jthread> threads_;
};

}  // namespace

bool is_observable(const SourceConfig& source) {
  if (std::holds_alternative<PlatformWatch>(source.of)) return false;
  const auto* log = std::get_if<LogConfig>(&source.of);
  return log == nullptr || (!std::holds_alternative<StdinInput>(log->input) &&
                            !std::holds_alternative<PushInput>(log->input));
}

Observation observe(const Config& config, const Clock& clock, Duration lasts,
                    const std::stop_token& stop) {
  rules::Plan plan = config.plan;
  for (rules::ServicePlan& service : plan.services) service.mode = rules::Mode::observe;
  const Instant began = clock.now();
  rules::Engine engine(std::move(plan), began);
  Readers readers(config, clock);
  while (clock.now() < began + lasts && !stop.stop_requested()) {
    // What the step would have done is nobody's: only the snapshot is of interest.
    static_cast<void>(engine.step(clock.now(), readers.take()));
  }
  return {.snapshot = engine.snapshot(), .lasted = clock.now() - began};
}

}  // namespace belay::monitor
