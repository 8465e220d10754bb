#include "monitor/doctor/doctor.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "monitor/config/lint.h"
#include "monitor/doctor/check_evidence.h"
#include "monitor/doctor/check_place.h"
#include "monitor/doctor/check_platform.h"
#include "monitor/doctor/daemon_view.h"
#include "monitor/doctor/forecast.h"
#include "monitor/parts.h"

namespace belay::monitor {
namespace {

void append(Findings& all, Findings more) { std::ranges::move(more, std::back_inserter(all)); }

Findings check_rules(const Config& config) {
  Findings found;
  for (const Lint& one : lint(config)) {
    found.push_back({one.is_error ? Finding::Level::bad : Finding::Level::weak, one.service,
                     "rules", one.message});
  }
  return found;
}

bool has_logs(const Config& config, const std::string& service) {
  return std::ranges::any_of(config.sources, [&](const SourceConfig& source) {
    return std::holds_alternative<LogConfig>(source.of) &&
           (source.service.empty() || source.service == service);
  });
}

}  // namespace

Findings examine(const Config& config, const Clock& clock, const DoctorOptions& options) {
  Platforms platforms;
  add_platforms(config, platforms);
  Live live;
  Findings found = check_place(config);
  append(found, check_routes(config, options.send_test));
  append(found, check_token(config, clock.now()));
  append(found, check_platforms(config, platforms, live));
  append(found, check_actions(config, platforms));
  append(found, check_rules(config));
  if (options.seen_by_daemon) {
    std::vector<std::string> names;
    for (const ServiceConfig& service : config.services) names.push_back(service.name);
    append(found, check_daemon(options.daemon, *options.seen_by_daemon, names));
  }
  const Observation observation =
      options.seen_by_daemon ? *options.seen_by_daemon : observe(config, clock, options.lasts);
  append(found, check_evidence(config, observation));
  for (const rules::ServicePlan& plan : config.plan.services) {
    if (const auto deployed = live.find(plan.name); deployed != live.end()) {
      append(found, check_version_names(plan.name, deployed->second,
                                        versions_seen(observation, plan.name)));
    }
    const auto& steps = plan.rollout.steps;
    append(found, forecast(plan, steps.empty() ? rules::default_steps() : steps,
                           has_logs(config, plan.name)
                               ? std::optional(requests_per_second(observation, plan.name))
                               : std::nullopt));
  }
  return found;
}

}  // namespace belay::monitor
