// Another configuration for a daemon that runs.

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "monitor/daemon.h"

namespace belay::monitor {
namespace {

/// What is bound at the start: keys that differ.
std::vector<std::string> fixed_keys(const Config& now, const Config& next) {
  const auto address = [](const Config& config) {
    return config.ingest ? config.ingest->address : std::string{};
  };
  std::vector<std::string> keys;
  if (now.state != next.state) keys.emplace_back("`state`");
  if (now.metrics != next.metrics) keys.emplace_back("`metrics`");
  if (now.api != next.api) keys.emplace_back("`listen`");
  if (now.tokens != next.tokens) keys.emplace_back("`tokens`");
  if (address(now) != address(next)) keys.emplace_back("the address of `ingest`");
  return keys;
}

/// Who is told, and what they are told to type.
bool is_told_alike(const Config& now, const Config& next) {
  return now.tell == next.tell && now.page == next.page && now.audit == next.audit &&
         now.services == next.services;
}

}  // namespace

Status Daemon::reload(std::optional<Config> next) {
  const Status taken =
      next ? take(std::move(*next))
           : Status{Error{Error::Kind::invalid, "it has errors, and is refused whole"}};
  told_->prometheus->configured(taken.ok(), clock_.now());
  return taken;
}

Status Daemon::take(Config next) {
  if (const auto keys = fixed_keys(config_, next); !keys.empty()) {
    return Error{Error::Kind::conflict, fmt::format("{} cannot change while Belay runs: restart it",
                                                    fmt::join(keys, " and "))};
  }
  const SourceThreads::Ids ids = sources_.ids_of(next);
  // Waited for last: the new sources must not begin late for a receiver that is dead.
  std::unique_ptr<exporters::Routes> before;
  if (Status exchanged = exchange(next, ids, before); !exchanged) return exchanged;
  sources_.make(next, *platforms_.back(), ids);
  if (next.ingest) {
    ingest_.set(make_ingest(next, sources_.push_targets(ids), told_->own.posts));
  }
  sources_.run_only(ids);
  const bool is_beat_new = config_.heartbeat != next.heartbeat;
  config_ = std::move(next);
  note_for_api(config_);
  if (is_beat_new) start_heartbeat();
  return Done{};
}

/// What orders need changes in the same moment as what gives orders.
Status Daemon::exchange(const Config& next, const SourceThreads::Ids& ids,
                        std::unique_ptr<exporters::Routes>& before) {
  auto platforms = std::make_unique<Platforms>();
  add_platforms(next, *platforms);
  // Made only if they differ: the messages that wait in a route go on in it.
  if (!is_told_alike(config_, next)) {
    before = make_notify(next, told_->own.notifications, *told_->spool);
  }
  Status exchanged = loop_->between_steps([&](rules::Engine& engine) -> Status {
    if (const Status adopted = engine.adopt(next.plan, ids); !adopted) return adopted;
    actor_->use(*platforms);
    preflight_->use(*platforms, preflight_checks_of(next));
    if (before) told_->routes->swap(*before);
    return Done{};
  });
  if (before) before->begin_to_end();
  if (exchanged.ok()) platforms_.push_back(std::move(platforms));
  return exchanged;
}

}  // namespace belay::monitor
