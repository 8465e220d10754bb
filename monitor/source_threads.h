#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporters/latest.h"
#include "monitor/clock.h"
#include "monitor/config/config.h"
#include "monitor/gate_versions.h"
#include "monitor/inbox.h"
#include "monitor/platform/platforms.h"
#include "monitor/source.h"
#include "monitor/sources/call_budget.h"
#include "monitor/sources/ingest.h"
#include "monitor/sources/platform_source.h"

namespace belay::monitor {

/// The sources of a configuration, each on a thread of its own, and what becomes of them when
/// another configuration is taken. For the daemon's thread.
class SourceThreads {
 public:
  /// All of them outlive this.
  SourceThreads(Inbox& inbox, const Clock& clock, const GateVersions& gates);
  /// As stop().
  ~SourceThreads();
  SourceThreads(const SourceThreads&) = delete;
  SourceThreads& operator=(const SourceThreads&) = delete;

  using Ids = std::vector<rules::SourceId>;
  /// Of each source of `config`: the id that it has already, if it is just the same, else the next
  /// one that was never used.
  [[nodiscard]] Ids ids_of(const Config& config) const;

  /// Makes those that are new. They do not run yet; the ids are those of ids_of(). `platforms`
  /// outlives this.
  void make(const Config& config, const Platforms& platforms, const Ids& ids);
  /// Where pushed events go to, among these. Good as long as this object.
  [[nodiscard]] std::vector<Ingest::Target> push_targets(const Ids& ids) const;
  /// Ends all others, and waits for them; then the new ones begin.
  void run_only(const Ids& ids);

  /// Any thread. Something was done on this service: its platform is read at once.
  void look_now(const std::string& service) const;

  void request_stop();
  void stop();

 private:
  struct One {
    SourceConfig config;
    rules::SourcePlan plan;
    /// Of a platform that is watched: through what it is reached.
    std::optional<std::pair<ServiceConfig, std::optional<CloudflareAccount>>> reached;
    std::unique_ptr<Source> source;
    Lane* lane = nullptr;
    bool is_over = false;
    std::jthread thread;
  };

  using Watches = std::map<std::string, PlatformSource*>;
  void publish_watches(const Ids& ids);

  Inbox& inbox_;
  const Clock& clock_;
  const GateVersions& gates_;
  /// By id. Those that are over stay: a post to one of them may still be under way.
  std::vector<std::unique_ptr<One>> sources_;
  CallBudget platform_calls_;
  exporters::Latest<Watches> watches_;  ///< By service.
};

}  // namespace belay::monitor
