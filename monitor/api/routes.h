#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "monitor/api/call.h"
#include "monitor/config/config.h"

namespace belay::monitor {

/// One line of what the API serves. openapi/ has the same lines, and a test compares them.
struct Route {
  std::string_view method;
  std::string_view path;  ///< "/api/v1/rollouts/{id}": {…} stands for one segment.
  Scope needs;
  std::vector<std::string_view> query;  ///< Others are refused.
  net::Outgoing (*answer)(const Call& call);
};

std::span<const Route> routes();

// services.cc
net::Outgoing show_status(const Call& call);
net::Outgoing list_services(const Call& call);
net::Outgoing show_service(const Call& call);
net::Outgoing list_sources(const Call& call);

// rollouts.cc
net::Outgoing list_rollouts(const Call& call);
net::Outgoing show_rollout(const Call& call);

// start_rollout.cc
net::Outgoing start_rollout(const Call& call);

// steer_rollout.cc
net::Outgoing pause_rollout(const Call& call);
net::Outgoing resume_rollout(const Call& call);
net::Outgoing promote_rollout(const Call& call);
net::Outgoing abort_rollout(const Call& call);
net::Outgoing approve_rollout(const Call& call);
net::Outgoing roll_back_rollout(const Call& call);

// trains.cc
net::Outgoing start_train(const Call& call);
net::Outgoing show_train(const Call& call);
net::Outgoing abort_train(const Call& call);
// report.cc, history.cc: from the journal.
net::Outgoing show_report(const Call& call);
net::Outgoing show_history(const Call& call);

// brakes.cc
net::Outgoing disarm(const Call& call);
net::Outgoing list_silences(const Call& call);
net::Outgoing silence(const Call& call);

// follow.cc
net::Outgoing follow_all(const Call& call);
net::Outgoing follow_rollout(const Call& call);

// openapi.cc
net::Outgoing show_openapi(const Call& call);
/// The document itself: the files of openapi/, compiled in, as one.
const std::string& openapi_document();

}  // namespace belay::monitor
