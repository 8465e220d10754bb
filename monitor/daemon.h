#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "exporters/latest.h"
#include "exporters/sink.h"
#include "monitor/actor.h"
#include "monitor/api/api_server.h"
#include "monitor/config/config.h"
#include "monitor/engine_loop.h"
#include "monitor/gate_versions.h"
#include "monitor/health.h"
#include "monitor/heartbeat.h"
#include "monitor/inbox.h"
#include "monitor/journal.h"
#include "monitor/parts.h"
#include "monitor/platform/platforms.h"
#include "monitor/preflight.h"
#include "monitor/source_threads.h"
#include "monitor/sources/ingest.h"
#include "monitor/system_clock.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// The whole machine of a configuration: it builds the parts, starts their threads, and stops them
/// in the order in which evidence flows. It judges nothing and does nothing itself.
class Daemon {
 public:
  /// A gate ends with its one rollout: its API begins no other.
  enum class Purpose : std::uint8_t { many, one_gate };
  /// Takes the state, remembers what the journal knows, resumes what is open, and begins to watch.
  /// `watchers` are told beside the configured sinks, and must outlive the daemon. Error kinds:
  /// conflict (the state is held by another process), unavailable (an address cannot be listened
  /// on), others as they come.
  static Result<std::unique_ptr<Daemon>> start(Config config,
                                               std::vector<exporters::Sink*> watchers = {},
                                               Purpose purpose = Purpose::many);

  /// As stop().
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Listeners and sources first, then the action under way, the engine and its journal, and those
  /// who are told. Within ten seconds: every part has a bound of its own.
  void stop();

  /// Takes another configuration, whole or not at all, and says why not. What both have in common
  /// goes on as it is: sources, their windows, what is to be told and done. Blocks while sources
  /// end. `next`: nothing if it could not be read, which is then told in /metrics like any refusal.
  Status reload(std::optional<Config> next);

  /// Something an operator wants: a gate, a disarm. Any thread.
  void deliver(rules::Event event) { inbox_.deliver(std::move(event)); }

  [[nodiscard]] Instant now() const { return clock_.now(); }
  /// For the thread that reloads.
  [[nodiscard]] const Config& config() const { return config_; }
  /// Nothing if it is off.
  [[nodiscard]] std::optional<std::uint16_t> metrics_port() const;
  [[nodiscard]] std::optional<std::uint16_t> api_port() const;
  [[nodiscard]] std::optional<std::uint16_t> ingest_port() const;
  /// What is not as it should be since the start: an unreadable journal.
  [[nodiscard]] const std::vector<std::string>& troubles() const { return troubles_; }

 private:
  explicit Daemon(Config config);

  Status open_journal();
  void build_engine(std::vector<exporters::Sink*> sinks, Purpose purpose);
  Status start_listeners();
  void start_threads();
  void start_heartbeat();
  void note_for_api(const Config& config);
  Status take(Config next);
  /// `before` has then the routes that are told nothing more, if others take their place.
  Status exchange(const Config& next, const SourceThreads::Ids& ids,
                  std::unique_ptr<exporters::Routes>& before);
  net::Outgoing respond(const net::Incoming& request) const;

  Config config_;
  const SystemClock clock_;
  std::vector<std::string> troubles_;
  std::unique_ptr<Journal> journal_;
  Journal::Recovered recovered_;
  Inbox inbox_;
  /// The last is in use; sources and orders that began before it hold on to theirs.
  std::vector<std::unique_ptr<Platforms>> platforms_;
  std::unique_ptr<Actor> actor_;
  std::unique_ptr<Told> told_;
  GateVersions gates_;
  std::unique_ptr<Health> health_;
  std::unique_ptr<Preflight> preflight_;
  JournalLookup lookup_;
  exporters::Latest<exporters::CommandsByService> commands_;
  exporters::Latest<std::set<std::string>> driven_;    ///< Services, by each of their names.
  exporters::Latest<std::set<std::string>> stepless_;  ///< As driven_: those without steps.
  exporters::Latest<std::set<std::string>> unmoved_;   ///< Those whose traffic nobody can move.
  /// What may be silenced, by service; under "" of all of them.
  exporters::Latest<std::map<std::string, std::set<std::string>>> rule_names_;
  std::atomic<bool> has_page_ = false;  ///< For the API's thread, as the four before are.
  std::unique_ptr<EngineLoop> loop_;
  std::unique_ptr<ApiServer> api_;
  SourceThreads sources_{inbox_, clock_, gates_};
  exporters::Latest<Ingest> ingest_;
  std::unique_ptr<net::HttpListener> metrics_listener_;
  std::unique_ptr<net::HttpListener> ingest_listener_;
  std::jthread engine_thread_;
  std::unique_ptr<Heartbeat> heartbeat_;
};

}  // namespace belay::monitor
