#pragma once

#include <memory>
#include <vector>

#include "exporters/notifications.h"
#include "exporters/prometheus.h"
#include "exporters/sink.h"
#include "monitor/config/config.h"
#include "monitor/gate_versions.h"
#include "monitor/platform/platforms.h"
#include "monitor/source.h"
#include "monitor/sources/call_budget.h"
#include "net/http_listener.h"

/// Which class stands behind which line of the configuration: a new source, platform or route is
/// one file of its own, and one line here.
namespace belay::monitor {

/// What sources look at besides the world; outlives them.
struct SourceContext {
  const GateVersions& gates;
  const Platforms& platforms;
  CallBudget& platform_calls;
};
/// `plan`: what the engine was told of this source.
std::unique_ptr<Source> make_source(const SourceConfig& source, const rules::SourcePlan& plan,
                                    rules::SourceId id, const SourceContext& context);

void add_platforms(const Config& config, Platforms& platforms);

/// Everyone who is told what the engine sees.
struct Told {
  exporters::Notifications notifications;
  std::unique_ptr<exporters::Prometheus> prometheus;
  std::unique_ptr<exporters::Sink> routes;  ///< `notify:`
};
std::unique_ptr<Told> make_sinks(const Config& config);

/// Hands what is posted to the sources that are pushed to; for a configuration with `ingest`.
Result<std::unique_ptr<net::HttpListener>> start_ingest(
    const Config& config, const std::vector<std::unique_ptr<Source>>& sources);

}  // namespace belay::monitor
