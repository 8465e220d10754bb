#include "monitor/platform/cloudflare_reply.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "net/http_syntax.h"

namespace belay::monitor {
namespace {

using nlohmann::json;
using Kind = Error::Kind;

struct Complaint {
  long code = 0;
  std::string message;
};

std::string text_in(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

long code_in(const json& object) {
  const auto found = object.find("code");
  return found != object.end() && found->is_number_integer() ? found->get<long>() : 0;
}

/// {"errors": [{code, message}]}, or {code, error} as some of Cloudflare's parts answer.
Complaint complaint_in(const json& body) {
  if (!body.is_object()) return {};
  const auto errors = body.find("errors");
  if (errors != body.end() && errors->is_array() && !errors->empty() &&
      errors->front().is_object()) {
    return {code_in(errors->front()), text_in(errors->front(), "message")};
  }
  return {code_in(body), text_in(body, "error")};
}

bool says_success(const json& body) {
  if (!body.is_object()) return false;
  const auto success = body.find("success");
  return success != body.end() && success->is_boolean() && success->get<bool>();
}

std::optional<std::chrono::milliseconds> retry_after_of(const net::HttpResponse& response) {
  const std::optional<std::string> text = response.header("retry-after");
  return text ? std::optional<std::chrono::milliseconds>{net::parse_retry_after(*text)}
              : std::nullopt;
}

std::string after(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos ? std::string() : std::string(text.substr(at + mark.size()));
}

/// Codes: cloudflare's own, as wrangler 4.164 tells them apart.
Error refusal(const Complaint& complaint, int status) {
  const std::string said = " (Cloudflare: " + std::to_string(complaint.code) + " " +
                           sanitize(complaint.message, 300) + ", HTTP " + std::to_string(status) +
                           ")";
  switch (complaint.code) {
    case 10000:
      return {Kind::failed, "the token is refused; it needs Workers Scripts Write" + said};
    case 10220: {
      const std::string names = after(complaint.message, "The following secrets have changed: ");
      return {Kind::invalid, "secrets have changed since the target version: " +
                                 sanitize(names.empty() ? "unnamed" : names, 300) +
                                 "; roll back by hand or configure force" + said};
    }
    case 10007:
      return {Kind::not_found, "there is no such script in this account" + said};
    case 7003:
      return {Kind::not_found, "account or script id is not right" + said};
    default:
      return {Kind::failed, "refused" + said};
  }
}

Error unclear(bool changes, const std::string& what) {
  return {changes ? Kind::ambiguous : Kind::unavailable, "Cloudflare: " + what};
}

std::optional<Error> fault_in(const net::HttpResponse& response, const json& body, bool changes) {
  const std::string status = "HTTP " + std::to_string(response.status);
  if (response.status == 429) {
    Error error{Kind::throttled, "Cloudflare asks for patience (HTTP 429)"};
    error.retry_after = retry_after_of(response);
    return error;
  }
  if (response.header("cf-mitigated")) {
    return Error{Kind::unavailable, "Cloudflare's firewall answers with a challenge, " + status};
  }
  const Complaint complaint = complaint_in(body);
  // 10013 is Cloudflare's own "unknown error"; 408 and 409 do not say what became of the call.
  if (response.status >= 500 || response.status == 408 || response.status == 409 ||
      complaint.code == 10013) {
    return unclear(changes, status + " " + sanitize(complaint.message, 300));
  }
  if (response.truncated) return unclear(changes, "the answer is too long");
  if (says_success(body) && response.status < 300) return std::nullopt;
  // Cloudflare's own refusals have a code or say why. A redirect, or a page of whatever stands
  // between us, refuses nothing for good.
  if (complaint.code == 0 && complaint.message.empty()) {
    return unclear(changes, "an answer that is not its API's, " + status);
  }
  return refusal(complaint, response.status);
}

json body_of(const net::HttpResponse& response) {
  return json::parse(response.body, nullptr, /*allow_exceptions=*/false);
}

/// The member of "result" with that name, if there is a list of it.
const json* list_in_result(const json& body, const char* name) {
  const auto result = body.find("result");
  if (result == body.end() || !result->is_object()) return nullptr;
  const auto found = result->find(name);
  return found != result->end() && found->is_array() ? &*found : nullptr;
}

std::vector<std::string> bindings_in(const json& resources) {
  std::vector<std::string> bindings;
  const auto list = resources.find("bindings");
  if (list == resources.end() || !list->is_array()) return bindings;
  for (const json& one : *list) {
    bindings.push_back(sanitize(text_in(one, "type") + " " + text_in(one, "name"), 200));
  }
  std::ranges::sort(bindings);
  return bindings;
}

std::optional<CloudflareDeployment> deployment_in(const json& object) {
  if (!object.is_object()) return std::nullopt;
  CloudflareDeployment deployment;
  deployment.id = text_in(object, "id");
  const auto annotations = object.find("annotations");
  if (annotations != object.end()) deployment.message = text_in(*annotations, "workers/message");
  const auto versions = object.find("versions");
  if (versions == object.end() || !versions->is_array()) return std::nullopt;
  for (const json& one : *versions) {
    const std::string version = text_in(one, "version_id");
    if (version.empty()) return std::nullopt;
    const auto percent = one.find("percentage");
    if (percent == one.end() || !percent->is_number()) return std::nullopt;
    const auto share = percent->get<double>();
    if (!(share >= 0 && share <= 100)) return std::nullopt;
    deployment.versions.push_back({version, share});
  }
  return deployment;
}

}  // namespace

double CloudflareDeployment::percent_of(const std::string& version) const {
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const Share& share) { return share.version == version; });
  return found == versions.end() ? 0 : found->percent;
}

Result<std::vector<CloudflareDeployment>> deployments_in(const net::HttpResponse& response) {
  const json body = body_of(response);
  if (std::optional<Error> fault = fault_in(response, body, /*changes=*/false)) return *fault;
  std::vector<CloudflareDeployment> all;
  const json* list = list_in_result(body, "deployments");
  if (list == nullptr) return unclear(false, "the answer holds no list of deployments");
  for (const json& one : *list) {
    std::optional<CloudflareDeployment> deployment = deployment_in(one);
    if (!deployment) return unclear(false, "the answer holds a deployment that cannot be read");
    all.push_back(std::move(*deployment));
  }
  return all;
}

Result<VersionFacts> version_in(const net::HttpResponse& response) {
  const json body = body_of(response);
  // 10007 and 7003 say that there is no such script or account; any other 404 means the version.
  if (response.status == 404 && complaint_in(body).code != 10007 &&
      complaint_in(body).code != 7003 && body.is_object()) {
    return VersionFacts{};
  }
  if (std::optional<Error> fault = fault_in(response, body, /*changes=*/false)) return *fault;
  const auto result = body.find("result");
  if (result == body.end() || text_in(*result, "id").empty()) {
    return unclear(false, "the answer holds no version");
  }
  VersionFacts facts{.exists = true};
  const auto resources = result->find("resources");
  if (resources == result->end() || !resources->is_object()) return facts;
  facts.bindings = bindings_in(*resources);
  const auto runtime = resources->find("script_runtime");
  if (runtime != resources->end()) facts.migration = text_in(*runtime, "migration_tag");
  return facts;
}

Result<std::vector<std::string>> version_ids_in(const net::HttpResponse& response) {
  const json body = body_of(response);
  if (std::optional<Error> fault = fault_in(response, body, /*changes=*/false)) return *fault;
  const json* list = list_in_result(body, "items");
  if (list == nullptr) return unclear(false, "the answer holds no list of versions");
  std::vector<std::string> ids;
  for (const json& one : *list) ids.push_back(text_in(one, "id"));
  return ids;
}

Status accepted(const net::HttpResponse& response) {
  // An empty answer to a call that was carried out; the read that follows shows whether it was.
  if (response.status == 204 || response.status == 205) return Done{};
  if (std::optional<Error> fault = fault_in(response, body_of(response), /*changes=*/true)) {
    return *fault;
  }
  return Done{};
}

std::string made_deployment_in(const net::HttpResponse& response) {
  const json body = body_of(response);
  if (!body.is_object()) return {};
  const auto result = body.find("result");
  return result == body.end() ? std::string() : text_in(*result, "id");
}

Error error_of(const net::HttpFault& fault, bool changes) {
  using Fault = net::HttpFault::Kind;
  const std::string message = "Cloudflare: " + sanitize(fault.message, 300);
  if (fault.sent) return {changes ? Kind::ambiguous : Kind::unavailable, message};
  switch (fault.kind) {
    case Fault::invalid:
    case Fault::forbidden_address:
      return {Kind::invalid, message};
    case Fault::timeout:
      return {Kind::timeout, message};
    default:
      return {Kind::unavailable, message};
  }
}

}  // namespace belay::monitor
