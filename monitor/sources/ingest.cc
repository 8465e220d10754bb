#include "monitor/sources/ingest.h"

#include <algorithm>
#include <string>
#include <utility>

namespace belay::monitor {
Ingest::Ingest(std::vector<net::HashedToken> tokens, std::vector<Target> targets)
    : tokens_(std::move(tokens)), targets_(std::move(targets)) {}

net::Outgoing Ingest::answer(const net::Incoming& request) const {
  if (!tokens_.empty()) {
    const std::string given{net::bearer_token(request).value_or("")};
    const bool allowed = std::ranges::any_of(
        tokens_, [&](const net::HashedToken& token) { return token.matches(given); });
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
