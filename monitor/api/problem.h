#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_listener.h"

namespace belay::monitor {

/// Why the API refuses something, as programs tell it apart: each kind is one `type` of RFC 9457,
/// "urn:belay:problem:NAME", for good (docs/api.md).
struct Problem {
  enum class Kind : std::uint8_t {
    bad_request,
    token_needed,
    token_wrong,
    scope_missing,
    origin_refused,
    host_refused,
    not_found,
    unknown_service,
    unknown_rollout,
    unknown_train,
    unknown_rule,
    method_not_allowed,
    timeout,
    too_large,
    media_type,
    headers_too_large,
    invalid,
    key_reused,
    rollout_ended,
    refused,
    not_recorded,
    not_ready,
    too_many_clients,
    internal,
  } kind{};
  std::string detail;  ///< One sentence about this case; never a secret.
  std::vector<std::pair<std::string, std::string>> more = {};  ///< Further members.
};

struct ProblemFacts {
  std::string_view name;  ///< "unknown-service"
  int status;
  std::string_view title;
};
ProblemFacts facts_of(Problem::Kind kind);

/// application/problem+json, with the headers that belong to its status.
net::Outgoing answer_of(const Problem& problem, const std::string& request_id);

/// What the listener refuses by itself (400, 408, 413, 415, 417, 431, 500, 503).
net::Outgoing listener_refusal(int status, std::string_view text);

}  // namespace belay::monitor
