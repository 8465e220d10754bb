#include "monitor/sources/ingest.h"

#include <optional>
#include <utility>

#include "net/http_syntax.h"

namespace belay::monitor {
namespace {

/// What follows the scheme, whose name has no case (RFC 9110, 11.1). Empty if it is another one.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view scheme = authorization.substr(0, kScheme.size());
  if (!net::equal_ignoring_case(scheme, kScheme)) return {};
  return authorization.substr(kScheme.size());
}

}  // namespace

Ingest::Ingest(Secret token, std::vector<Target> targets)
    : token_(std::move(token)), targets_(std::move(targets)) {}

net::Outgoing Ingest::answer(const net::Incoming& request) const {
  if (!token_.empty()) {
    const std::string_view given = request.header("authorization").value_or("");
    const bool allowed = net::equal_in_constant_time(bearer_token(given), token_.reveal());
    if (!allowed) {
      return {.status = 401, .headers = {{"WWW-Authenticate", "Bearer"}}, .body = "wrong token\n"};
    }
  }
  PushSource* source = target_of(request.path);
  if (source == nullptr) {
    return {.status = 404, .body = "no such source: post to /events or /events/SERVICE\n"};
  }
  return source->take(request);
}

PushSource* Ingest::target_of(std::string_view path) const {
  constexpr std::string_view kRoot = "/events";
  if (!path.starts_with(kRoot)) return nullptr;
  path.remove_prefix(kRoot.size());
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty() && targets_.size() == 1) return targets_.front().source;
  if (!path.empty() && path.front() != '/') return nullptr;
  for (const Target& target : targets_) {
    const std::string service = target.service.empty() ? "" : "/" + target.service;
    if (path == service || path == service + "/" + target.name) return target.source;
  }
  return nullptr;
}

}  // namespace belay::monitor
