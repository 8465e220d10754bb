#include "monitor/api/problem.h"

#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"

namespace belay::monitor {

using Kind = Problem::Kind;

ProblemFacts facts_of(Kind kind) {
  switch (kind) {
    case Kind::bad_request:
      return {"bad-request", 400, "The request cannot be read"};
    case Kind::token_needed:
      return {"token-needed", 401, "This needs a token"};
    case Kind::token_wrong:
      return {"token-wrong", 401, "This token is not one of ours"};
    case Kind::scope_missing:
      return {"scope-missing", 403, "The token is not good for this"};
    case Kind::origin_refused:
      return {"origin-refused", 403, "Pages of other sites are refused"};
    case Kind::host_refused:
      return {"host-refused", 421, "This name is not ours"};
    case Kind::not_found:
      return {"not-found", 404, "There is nothing here"};
    case Kind::unknown_service:
      return {"unknown-service", 404, "There is no such service"};
    case Kind::unknown_rollout:
      return {"unknown-rollout", 404, "There is no such rollout"};
    case Kind::unknown_train:
      return {"unknown-train", 404, "There is no such train"};
    case Kind::unknown_rule:
      return {"unknown-rule", 404, "There is no such rule"};
    case Kind::method_not_allowed:
      return {"method-not-allowed", 405, "Not with this method"};
    case Kind::timeout:
      return {"timeout", 408, "The request was not whole in time"};
    case Kind::too_large:
      return {"too-large", 413, "The body is too large"};
    case Kind::media_type:
      return {"media-type", 415, "A body is application/json"};
    case Kind::headers_too_large:
      return {"headers-too-large", 431, "The headers are too large"};
    case Kind::invalid:
      return {"invalid", 422, "A field is wrong"};
    case Kind::key_reused:
      return {"key-reused", 422, "This Idempotency-Key was used for another request"};
    case Kind::rollout_ended:
      return {"rollout-ended", 409, "The rollout is over"};
    case Kind::refused:
      return {"refused", 409, "The engine did not take it"};
    case Kind::not_recorded:
      return {"not-recorded", 503, "The journal cannot be written"};
    case Kind::not_ready:
      return {"not-ready", 503, "Not just now"};
    case Kind::too_many_clients:
      return {"too-many-clients", 503, "Too many clients wait already"};
    case Kind::internal:
      break;
  }
  return {"internal", 500, "Something of ours is wrong"};
}

net::Outgoing answer_of(const Problem& problem, const std::string& request_id) {
  const ProblemFacts facts = facts_of(problem.kind);
  nlohmann::ordered_json json{{"type", "urn:belay:problem:" + std::string(facts.name)},
                              {"title", facts.title},
                              {"status", facts.status},
                              {"detail", sanitize(problem.detail, 1000)}};
  if (!request_id.empty()) json["request_id"] = request_id;
  for (const auto& [name, value] : problem.more) json[name] = value;
  net::Outgoing answer{.status = facts.status,
                       .content_type = "application/problem+json",
                       .body = exporters::text_of(json) + "\n"};
  if (problem.kind == Kind::token_needed) {
    answer.headers.push_back({"WWW-Authenticate", "Bearer realm=\"belay\""});
  }
  if (problem.kind == Kind::token_wrong) {
    answer.headers.push_back(
        {"WWW-Authenticate", "Bearer realm=\"belay\", error=\"invalid_token\""});
  }
  if (facts.status == 503) answer.headers.push_back({"Retry-After", "5"});
  return answer;
}

net::Outgoing listener_refusal(int status, std::string_view text) {
  const Kind kind = [status] {
    switch (status) {
      case 408:
        return Kind::timeout;
      case 413:
        return Kind::too_large;
      case 415:
        return Kind::media_type;
      case 431:
        return Kind::headers_too_large;
      case 500:
        return Kind::internal;
      case 503:
        return Kind::not_ready;
      default:
        return Kind::bad_request;
    }
  }();
  return answer_of({kind, std::string(text)}, "");
}

}  // namespace belay::monitor
