#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "monitor/commands/api_client.h"
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

/// The answer to what is the same when it is asked for twice: asked for again, for 30 s, while an
/// answer was lost, the daemon is not ready, or it has not shown the change (202).
Result<ApiClient::Answer> ask_until_shown(const ApiClient& client,
                                          const ApiClient::Request& request);

}  // namespace belay::monitor
