#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "net/deadline.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

constexpr Duration kWaitMax = 60s;

net::Outgoing shown(const rules::RolloutStatus& rollout, const rules::Snapshot& snapshot) {
  net::Outgoing answer = answer_json(rollout_view(rollout, snapshot));
  answer.headers.push_back({"ETag", etag_of(rollout)});
  return answer;
}

net::Outgoing unknown(const Call& call) {
  return call.refuse({Problem::Kind::unknown_rollout,
                      "no rollout has this id; those that ended stay for a day, twenty a service"});
}

/// A poll that waits for the rollout to become another one than `known`.
net::Outgoing waiting(const Call& call, const std::string& known, bool knows, Duration wait) {
  std::shared_ptr<void> place = call.context.waits.take();
  if (place == nullptr) {
    return call.refuse({Problem::Kind::too_many_clients, "as many as may wait already do"});
  }
  net::Outgoing answer;
  answer.later = [&newest = call.context.newest, gone = unknown(call), id = call.path.front(),
                  known, knows, place,
                  deadline = net::Deadline(std::chrono::ceil<std::chrono::milliseconds>(
                      wait))]() -> std::optional<net::Outgoing> {
    const auto published = newest.published();
    const rules::RolloutStatus* rollout = rollout_of(published->snapshot, id);
    if (rollout == nullptr) return gone;
    if (rollout->ended || etag_of(*rollout) != known) return shown(*rollout, published->snapshot);
    if (!deadline.passed()) return std::nullopt;
    if (!knows) return shown(*rollout, published->snapshot);
    return net::Outgoing{.status = 304, .content_type = "", .headers = {{"ETag", known}}};
  };
  return answer;
}

}  // namespace

net::Outgoing list_rollouts(const Call& call) {
  const auto published = call.context.newest.published();
  const auto asked = service_asked_for(call);
  if (const auto* problem = std::get_if<Problem>(&asked)) return call.refuse(*problem);
  const auto& service = std::get<std::string>(asked);
  const auto open = call.query.find("open");
  const bool only_open = open != call.query.end() && open->second == "true";
  if (open != call.query.end() && !only_open && open->second != "false") {
    return call.refuse({Problem::Kind::bad_request, "open is true or false", {{"field", "open"}}});
  }
  std::vector<const rules::RolloutStatus*> found;
  ordered_json disarmed = ordered_json::array();
  for (const rules::ServiceStatus& one : published->snapshot.services) {
    if (!service.empty() && one.name != service) continue;
    if (one.disarmed_until > published->snapshot.at)
      disarmed.push_back({{"service", one.name}, {"until_ms", unix_ms(*one.disarmed_until)}});
    for (const rules::RolloutStatus& past : one.past) found.push_back(&past);
    if (one.rollout) found.push_back(&*one.rollout);
  }
  if (only_open)
    std::erase_if(found, [](const auto* rollout) { return rollout->ended.has_value(); });
  std::ranges::stable_sort(found, {}, [](const auto* rollout) { return rollout->started; });
  ordered_json rollouts = ordered_json::array();
  for (const rules::RolloutStatus* rollout : found)
    rollouts.push_back(rollout_view(*rollout, published->snapshot));
  return answer_json({{"at_ms", unix_ms(published->snapshot.at)},
                      {"disarmed", std::move(disarmed)},
                      {"rollouts", std::move(rollouts)}});
}

net::Outgoing show_rollout(const Call& call) {
  const auto published = call.context.newest.published();
  const rules::RolloutStatus* rollout = rollout_of(published->snapshot, call.path.front());
  if (rollout == nullptr) return unknown(call);
  const auto known = call.request.header("if-none-match");
  const std::string etag = etag_of(*rollout);
  const auto text = call.query.find("wait");
  if (text == call.query.end()) {
    if (known && *known == etag) {
      return {.status = 304, .content_type = "", .headers = {{"ETag", etag}}};
    }
    return shown(*rollout, published->snapshot);
  }
  const std::optional<Duration> wait = parse_duration(text->second);
  if (!wait || *wait > kWaitMax) {
    return call.refuse(
        {Problem::Kind::bad_request, "wait is a duration of at most 60s", {{"field", "wait"}}});
  }
  if (rollout->ended || (known && *known != etag)) return shown(*rollout, published->snapshot);
  return waiting(call, etag, known.has_value(), *wait);
}

}  // namespace belay::monitor
