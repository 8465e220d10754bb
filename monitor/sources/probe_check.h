#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_client.h"
#include "rules/event.h"

namespace belay::monitor {

/// What a healthy answer looks like. Everything given must hold.
struct ProbeExpectation {
  std::vector<int> statuses;  ///< Empty: any of 200 to 299.
  std::string body_contains;  ///< Empty: any body.
  std::string json_path;      ///< "status" or "checks.0.ok"; empty: not looked at.
  std::string json_equals;    ///< As JSON writes it, strings without quotes.
};

struct ProbeFinding {
  rules::ProbeFailure failure = rules::ProbeFailure::none;
  std::string detail;  ///< For people, harmless and of few kinds; empty when it passed.
};

ProbeFinding check_answer(const net::HttpResponse& response, const ProbeExpectation& expectation);
ProbeFinding check_fault(const net::HttpFault& fault);

/// The scalar at a dotted path of a JSON text, as JSON writes it, strings without quotes. Nothing
/// if the text is not JSON, or there is no scalar there.
std::optional<std::string> json_scalar(std::string_view text, std::string_view path);

}  // namespace belay::monitor
