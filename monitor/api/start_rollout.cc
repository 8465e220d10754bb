#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "monitor/api/body.h"
#include "monitor/api/new_rollout.h"
#include "monitor/api/past.h"
#include "monitor/api/recorded.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "net/digest.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kStartedMax = 256;

/// Another rollout that the same key has made.
std::optional<std::string> other_of_key(const ApiContext& context, const rules::Snapshot& snapshot,
                                        const std::string& id) {
  const auto is_other = [&](const std::string& one) {
    return one != id && one.starts_with(id.substr(0, kKeyBytesOfId));
  };
  for (const rules::ServiceStatus& service : snapshot.services) {
    if (service.rollout && is_other(service.rollout->id)) return service.rollout->id;
    for (const rules::RolloutStatus& past : service.past) {
      if (is_other(past.id)) return past.id;
    }
  }
  const auto started = std::ranges::find_if(context.started, is_other);
  return started == context.started.end() ? std::nullopt : std::optional(*started);
}

/// `snapshot`: null where it is only known from the journal.
net::Outgoing made(const rules::RolloutStatus& rollout, int status,
                   const rules::Snapshot* snapshot) {
  net::Outgoing answer = answer_json(
      snapshot == nullptr ? rollout_view(rollout) : rollout_view(rollout, *snapshot), status);
  answer.headers.push_back({"Location", "/api/v1/rollouts/" + rollout.id});
  answer.headers.push_back({"ETag", etag_of(rollout)});
  return answer;
}

/// What the engine said instead of beginning it: not what it said meanwhile of another.
std::string refusal_of(const Newest& newest, std::uint64_t since, const std::string& service,
                       const std::string& candidate) {
  std::string why = "the engine did not begin it";
  const auto notices = newest.notices();
  if (!notices) return why;
  for (const Newest::Noted& noted : *notices) {
    const rules::Notice& notice = noted.notice;
    if (noted.number > since && notice.service == service && notice.candidate == candidate &&
        notice.kind == rules::Notice::Kind::rollout_ended) {
      why = notice.headline;
      for (const std::string& detail : notice.details) why += "; " + detail;
    }
  }
  return why;
}

/// Whether the daemon is so young that it does not know yet what is live, from which it would take
/// the baseline.
bool awaits_platform(const rules::Snapshot& snapshot, const std::string& service) {
  return std::ranges::any_of(snapshot.sources, [&](const rules::SourceStatus& source) {
    return source.kind == rules::SourceKind::platform && source.service == service &&
           source.documents_total == 0 && source.health != rules::SourceHealth::refused;
  });
}

/// What the daemon says without beginning anything; nothing if it does not know of one.
std::optional<net::Outgoing> answer_of_known(const Call& call,
                                             const rules::RolloutStarted& started) {
  const auto published = call.context.newest.published();
  if (const auto other = other_of_key(call.context, published->snapshot, started.id)) {
    return call.refuse({Problem::Kind::key_reused,
                        "it began the rollout " + *other + ", which is another one",
                        {{"rollout", *other}}});
  }
  if (const auto* known = rollout_of(published->snapshot, started.id))
    return made(*known, 200, &published->snapshot);
  return std::nullopt;
}

net::Outgoing begin(const Call& call, rules::RolloutStarted started) {
  ApiContext& context = call.context;
  if (started.baseline.empty() &&
      awaits_platform(context.newest.published()->snapshot, started.service)) {
    return call.refuse({Problem::Kind::not_ready,
                        "what is live was not read yet, so there is no baseline: name one, or ask "
                        "again"});
  }
  context.started.push_back(started.id);
  if (context.started.size() > kStartedMax) context.started.pop_front();
  const auto notices = context.newest.notices();
  const std::uint64_t noticed = notices && !notices->empty() ? notices->back().number : 0;
  nlohmann::ordered_json pending{{"id", started.id}, {"service", started.service}};
  auto shown = [&context, id = started.id, service = started.service, candidate = started.candidate,
                noticed,
                request_id = call.request_id](const Seen& seen) -> std::optional<net::Outgoing> {
    const rules::RolloutStatus* rollout = rollout_of(seen.snapshot, id);
    if (rollout != nullptr) return made(*rollout, 201, &seen.snapshot);
    if (!seen.is_settled) return std::nullopt;
    // What did not begin uses up no key.
    std::erase(context.started, id);
    return answer_of(
        {Problem::Kind::refused, refusal_of(context.newest, noticed, service, candidate)},
        request_id);
  };
  return change(call, std::move(started), std::move(shown), pending);
}

/// The engine forgets what is long over; the journal does not, and nothing begins twice.
net::Outgoing begin_unless_recorded(const Call& call, rules::RolloutStarted started) {
  const JournalLookup::OfRollout question{started.id};
  return look_into_past(
      call, question,
      [asked = std::make_shared<const KeptCall>(call),
       started = std::move(started)](const JournalLookup::Found& found)
          -> std::variant<net::Outgoing, JournalLookup::Question> {
        const auto& past = std::get<Journal::OfRollout>(found);
        if (!past.entries.empty()) {
          const Result<rules::RolloutStatus> ended = recorded_rollout(past);
          if (ended) return made(*ended, 200, nullptr);
          return asked->call.refuse({Problem::Kind::internal, ended.error().message});
        }
        if (std::optional<net::Outgoing> known = answer_of_known(asked->call, started))
          return *std::move(known);
        return begin(asked->call, started);
      });
}

}  // namespace

net::Outgoing start_rollout(const Call& call) {
  if (!call.context.parts.begins_rollouts) return call.refuse(gate_begins_nothing());
  Body body(call.request);
  rules::RolloutStarted started = read_new_rollout(body, call.context.parts);
  if (const auto problem = body.problem()) return call.refuse(*problem);
  const std::optional<std::string> key = key_of(call);
  if (!key) {
    return call.refuse({Problem::Kind::bad_request, "an Idempotency-Key has 1 to 255 bytes"});
  }
  const auto published = call.context.newest.published();
  const rules::Snapshot& snapshot = published->snapshot;
  const rules::ServiceStatus* service = service_of(snapshot, started.service);
  if (service == nullptr) {
    return call.refuse({Problem::Kind::unknown_service,
                        "no service is called " + started.service,
                        {{"field", "service"}}});
  }
  started.service = service->name;
  started.id = rollout_id(*key, meaning_of(started));
  started.at = call.context.parts.now();
  started.by = doer_of(call, started.by.empty() ? std::nullopt : std::optional(started.by));
  if (std::optional<net::Outgoing> known = answer_of_known(call, started)) return *std::move(known);
  return may_be_recorded(call) ? begin_unless_recorded(call, std::move(started))
                               : begin(call, std::move(started));
}

}  // namespace belay::monitor
