#include "monitor/api/call.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "exporters/json.h"
#include "monitor/api/views.h"
#include "net/deadline.h"

namespace belay::monitor {
namespace {

constexpr std::chrono::seconds kShownWithin{3};

net::Outgoing not_recorded(const Call& call) {
  return call.refuse({Problem::Kind::not_recorded,
                      "it could not be recorded: nothing is acted upon until there is room for it, "
                      "and a restart before that would not know of it"});
}

}  // namespace

std::shared_ptr<void> Places::take() {
  if (*taken_ >= places_max_) return nullptr;
  ++*taken_;
  return {static_cast<void*>(taken_.get()), [taken = taken_](void*) { --*taken; }};
}

net::Outgoing Call::refuse(const Problem& problem) const { return answer_of(problem, request_id); }

net::Outgoing answer_json(const nlohmann::ordered_json& json, int status) {
  return {.status = status,
          .content_type = "application/json",
          .body = exporters::text_of(json) + "\n"};
}

net::Outgoing change(const Call& call, rules::Event event,
                     std::function<std::optional<net::Outgoing>(const Seen&)> shown,
                     const nlohmann::ordered_json& pending) {
  if (!call.context.parts.is_recorded()) {
    return call.refuse({Problem::Kind::not_recorded,
                        "nothing was changed: the journal cannot be written, and nothing is acted "
                        "upon until it can (/readyz says why)"});
  }
  const auto before = call.context.newest.published();
  const std::uint64_t number = before ? before->number : 0;
  spdlog::info("api: {} {} by {}, request {}", call.request.method, call.request.path,
               call.caller.name, call.request_id);
  call.context.parts.deliver(std::move(event));
  // The next publication may be of a step that began before; the one after it is not.
  const auto since = call.context.newest.published();
  const std::uint64_t settled = (since ? since->number : 0) + 2;
  net::Outgoing answer;
  answer.later = [&context = call.context, shown = std::move(shown), number, settled,
                  accepted = answer_json(pending, 202), lost = not_recorded(call),
                  deadline = net::Deadline(kShownWithin)]() -> std::optional<net::Outgoing> {
    const auto published = context.newest.published();
    if (published && published->number > number) {
      const Seen seen{published->snapshot, published->number >= settled};
      std::optional<net::Outgoing> made = shown(seen);
      // What the engine shows may be what it could not record: no restart would know of it.
      if (made) return context.parts.is_recorded() ? std::move(made) : lost;
    }
    if (deadline.passed()) return accepted;
    return std::nullopt;
  };
  return answer;
}

std::variant<std::string, Problem> service_asked_for(const Call& call) {
  const auto asked = call.query.find("service");
  if (asked == call.query.end()) return std::string{};
  const auto published = call.context.newest.published();
  const rules::ServiceStatus* service = service_of(published->snapshot, asked->second);
  if (service != nullptr) return service->name;
  return Problem{Problem::Kind::unknown_service,
                 "no service is called " + asked->second,
                 {{"field", "service"}}};
}

std::string doer_of(const Call& call, const std::optional<std::string>& by) {
  return by ? fmt::format("{} ({})", *by, call.caller.name) : call.caller.name;
}

}  // namespace belay::monitor
