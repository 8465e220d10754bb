#include "monitor/platform/cloudflare_token.h"

#include <utility>
#include <variant>

#include "base/sanitize.h"
#include "exporters/json_fields.h"
#include "monitor/platform/cloudflare_reply.h"
#include "net/http_client.h"

namespace belay::monitor {
namespace {

using exporters::parsed;
using exporters::text_in;

using nlohmann::json;

Result<json> result_of(const std::string& url, const Secret& token, const std::stop_token& stop) {
  const auto answer = net::http_call(
      {.url = url, .headers = {{"Authorization", "Bearer " + token.reveal()}}}, stop);
  if (const auto* fault = std::get_if<net::HttpFault>(&answer)) return error_of(*fault, false);
  const auto& response = std::get<net::HttpResponse>(answer);
  // The same envelope as that of a change; nothing was changed, so nothing is ambiguous.
  if (Status status = accepted(response); !status.ok()) {
    Error error = status.error();
    if (error.kind == Error::Kind::ambiguous) error.kind = Error::Kind::unavailable;
    return error;
  }
  const json body = parsed(response.body);
  const auto result = body.is_object() ? body.find("result") : body.end();
  if (result == body.end() || !result->is_object()) {
    return Error{Error::Kind::unavailable, "Cloudflare: the answer holds nothing about the token"};
  }
  return json(*result);
}

std::vector<std::string> rights_in(const json& token) {
  std::vector<std::string> rights;
  const auto policies = token.find("policies");
  if (policies == token.end() || !policies->is_array()) return rights;
  for (const json& policy : *policies) {
    const auto groups = policy.is_object() ? policy.find("permission_groups") : policy.end();
    if (groups == policy.end() || !groups->is_array()) continue;
    for (const json& group : *groups) {
      if (group.is_object()) rights.push_back(sanitize(text_in(group, "name"), 100));
    }
  }
  return rights;
}

}  // namespace

Result<TokenFacts> token_facts(const std::string& api, const std::string& account,
                               const Secret& token, const std::stop_token& stop) {
  std::string tokens = api + "/user/tokens/";
  Result<json> verified = result_of(tokens + "verify", token, stop);
  if (!verified.ok() && verified.error().kind == Error::Kind::failed) {
    tokens = api + "/accounts/" + account + "/tokens/";
    verified = result_of(tokens + "verify", token, stop);
  }
  if (!verified.ok()) return verified.error();
  TokenFacts facts{.status = sanitize(text_in(*verified, "status"), 40),
                   .expires = parse_rfc3339(text_in(*verified, "expires_on"))};
  const Result<json> whole = result_of(tokens + text_in(*verified, "id"), token, stop);
  if (whole.ok() && whole->contains("policies")) facts.rights = rights_in(*whole);
  return facts;
}

}  // namespace belay::monitor
