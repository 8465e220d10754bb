#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "monitor/commands/gate_arguments.h"

namespace belay::monitor {

/// The body of POST /api/v1/rollouts.
nlohmann::ordered_json request_of(const GateArguments& arguments, const std::string& by);

/// Begins it; an answer that was lost is asked for again with the same key. What was refused has
/// been told: the exit code.
struct Begun {
  int code = kExitPass;
  nlohmann::json rollout;  ///< Null if `code` says why.
  std::string etag;
};
Begun begin_rollout(const ApiClient& client, const GateArguments& arguments);

/// A daemon that has just started, or is busy, says so, and is ready soon: ask again.
bool is_not_ready(const ApiClient::Answer& answer);

}  // namespace belay::monitor
