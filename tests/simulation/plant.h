#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "monitor/clock.h"
#include "monitor/journal.h"
#include "monitor/platform/platform.h"
#include "rules/event.h"
#include "rules/order.h"
#include "rules/plan.h"
#include "tests/simulation/boot_clock.h"

namespace belay::simulation {

/// A bug for the simulator to find, wrapped around the ports of each life. What is empty is sound.
struct Plant {
  std::function<std::unique_ptr<monitor::Platform>(std::unique_ptr<monitor::Platform>)> platform;
  std::function<std::unique_ptr<monitor::Journal>(std::unique_ptr<monitor::Journal>)> journal;
  std::function<std::unique_ptr<monitor::Clock>(const WorldTime&)> clock;
  /// What the engine is given at one step.
  std::function<void(std::vector<rules::Event>&, Instant now)> events;
  /// False: the outcome is lost.
  std::function<bool(const rules::ActionOutcome&)> delivers;
  /// What the engine is configured with, in place of what people think.
  std::function<void(rules::Plan&)> plan;
  /// Orders that are recalled are sent all the same.
  bool is_deaf_to_recalls = false;
  /// False: the second of the two who are told does not hear it.
  std::function<bool(const rules::Notice&)> tells;
};

}  // namespace belay::simulation
