#include "monitor/sources/ingest.h"

#include <algorithm>
#include <string>
#include <utility>

namespace belay::monitor {
Ingest::Ingest(std::vector<net::HashedToken> tokens, std::vector<Target> targets,
               exporters::IngestPosts& posts)
    : tokens_(std::move(tokens)) {
  for (Target& target : targets) {
    const exporters::PostCounts counts = posts.of(target.service, target.name);
    doors_.push_back({std::move(target), counts});
  }
}

net::Outgoing Ingest::answer(const net::Incoming& request) const {
  if (!tokens_.empty()) {
    const std::string given{net::bearer_token(request).value_or("")};
    const bool allowed = std::ranges::any_of(
        tokens_, [&](const net::HashedToken& token) { return token.matches(given); });
    if (!allowed) {
      return {.status = 401, .headers = {{"WWW-Authenticate", "Bearer"}}, .body = "wrong token\n"};
    }
  }
  const Door* door = door_of(request.path);
  if (door == nullptr) {
    return {.status = 404,
            .body =
                "no source is pushed to under this path: /events is for the `logs` of all, "
                "/events/SERVICE for those of one service, which say `push: {}`\n"};
  }
  net::Outgoing answer = door->target.source->take(request);
  if (answer.status == 202) door->posts.accepted.Increment();
  if (answer.status == 429) door->posts.refused.Increment();
  return answer;
}

const Ingest::Door* Ingest::door_of(std::string_view path) const {
  constexpr std::string_view kRoot = "/events";
  if (!path.starts_with(kRoot)) return nullptr;
  path.remove_prefix(kRoot.size());
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty() && doors_.size() == 1) return &doors_.front();
  if (!path.empty() && path.front() != '/') return nullptr;
  for (const Door& door : doors_) {
    const auto& [service, name, source] = door.target;
    const std::string of_service = service.empty() ? "" : "/" + service;
    if (path == of_service || path == of_service + "/" + name) return &door;
  }
  return nullptr;
}

}  // namespace belay::monitor
