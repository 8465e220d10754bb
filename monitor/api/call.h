#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/time.h"
#include "exporters/notice_text.h"
#include "monitor/api/access.h"
#include "monitor/api/event_log.h"
#include "monitor/api/newest.h"
#include "monitor/api/problem.h"
#include "monitor/journal_lookup.h"
#include "net/http_listener.h"
#include "rules/event.h"

namespace belay::monitor {

/// How many may do something at once. What take() gives is one place; it is free again when the
/// last copy of it goes.
class Places {
 public:
  explicit Places(std::size_t places_max) : places_max_(places_max) {}
  /// Null: there is none left.
  std::shared_ptr<void> take();

 private:
  std::size_t places_max_;
  std::shared_ptr<std::size_t> taken_ = std::make_shared<std::size_t>(0);
};

/// What the API has to do with the rest of the daemon. Everything may be called on any thread.
struct ApiParts {
  std::function<void(rules::Event)> deliver;  ///< Into the lane that never drops.
  std::function<Instant()> now;
  std::function<bool()> is_recorded;  ///< What is delivered becomes durable: the journal works.
  /// Rollouts and trains may be begun here: not in a gate that judges by itself, and ends then.
  bool begins_rollouts = true;
  /// For the listener's thread alone. Null: there is no past to look at.
  JournalLookup* past = nullptr;
  /// Someone is paged when an action fails: without, nothing is enforced. None: someone is.
  std::function<bool()> has_page = nullptr;
  /// Whether Belay moves the traffic of this service where a rollout does not say. None: of none.
  std::function<bool(const std::string& service)> drives = nullptr;
  /// Whether a service has no steps of its own, so that a rollout has to say how long. None: of
  /// none. An unknown service is no such one.
  std::function<bool(const std::string& service)> lacks_steps = nullptr;
  /// Whether the traffic of a service can be moved by nobody here. None: of none.
  std::function<bool(const std::string& service)> lacks_move = nullptr;
  /// The rules that a service is judged by at some time, also while no rollout runs; of an empty
  /// name those of all services. None: those that the snapshot shows.
  std::function<std::set<std::string>(const std::string& service)> rules = nullptr;
  /// What a person types next, by service; none: nobody knows.
  std::function<exporters::CommandsByService()> commands = nullptr;
};

/// What the subjects share. The listener's thread alone touches it.
struct ApiContext {
  static constexpr std::size_t kStreamsMax = 32;
  static constexpr std::size_t kWaitsMax = 64;

  const Newest& newest;
  ApiParts parts;
  EventLog events{};
  Places streams{kStreamsMax};
  Places waits{kWaitsMax};
  std::deque<std::string> started{};  ///< Ids of rollouts that were begun here, newest last.
};

/// One request, admitted and matched with its route; the engine has published.
struct Call {
  const net::Incoming& request;
  Caller caller;
  std::string request_id;
  std::vector<std::string> path;             ///< What stands for each {…} of the route.
  std::map<std::string, std::string> query;  ///< Only what the route knows.
  ApiContext& context;

  [[nodiscard]] net::Outgoing refuse(const Problem& problem) const;
};

/// 200, or another status of success, and JSON.
net::Outgoing answer_json(const nlohmann::ordered_json& json, int status = 200);

/// What a change waits for.
struct Seen {
  const rules::Snapshot& snapshot;
  /// The engine has published twice since: it has seen what was delivered.
  bool is_settled = false;
};
/// Hands a change to the engine, and answers with what `shown` makes of the first snapshot that
/// shows it; after three seconds 202 with `pending`. Refuses while the journal cannot be written,
/// and what it could not take.
net::Outgoing change(const Call& call, rules::Event event,
                     std::function<std::optional<net::Outgoing>(const Seen&)> shown,
                     const nlohmann::ordered_json& pending);

/// The service of `?service=`, by its own name; empty if none is asked for.
std::variant<std::string, Problem> service_asked_for(const Call& call);

/// Who did it, for the journal: the token's name, and whom the request names besides.
std::string doer_of(const Call& call, const std::optional<std::string>& by);

}  // namespace belay::monitor
