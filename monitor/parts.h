#pragma once

#include <memory>
#include <vector>

#include "exporters/notice_text.h"
#include "exporters/own_counts.h"
#include "exporters/prometheus.h"
#include "exporters/routes.h"
#include "exporters/spool.h"
#include "monitor/clock.h"
#include "monitor/config/config.h"
#include "monitor/gate_versions.h"
#include "monitor/platform/platforms.h"
#include "monitor/source.h"
#include "monitor/sources/call_budget.h"
#include "monitor/sources/ingest.h"

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
  exporters::OwnCounts own;
  std::unique_ptr<exporters::Prometheus> prometheus;
  std::unique_ptr<exporters::Spool> spool;    ///< Of what waits in the routes.
  std::unique_ptr<exporters::Routes> routes;  ///< `notify:`
};
/// What an earlier life could not deliver is on its way again when it returns. `clock` outlives
/// them.
std::unique_ptr<Told> make_sinks(const Config& config, const Clock& clock);
/// What a person types next, as far as the platforms let us know.
exporters::CommandsByService commands_of(const Config& config);
/// `notifications` and `spool` outlive them.
std::unique_ptr<exporters::Routes> make_notify(const Config& config,
                                               exporters::Notifications& notifications,
                                               exporters::Spool& spool);

/// Hands what is posted to these sources that are pushed to; for a configuration with `ingest`.
/// `posts` outlives it.
std::shared_ptr<const Ingest> make_ingest(const Config& config, std::vector<Ingest::Target> targets,
                                          exporters::IngestPosts& posts);

}  // namespace belay::monitor
