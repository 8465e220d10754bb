#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "monitor/api/body.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "monitor/mode_named.h"
#include "net/digest.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongest = 24h * 30;
constexpr std::size_t kKeyBytesMax = 255;
/// Of the id: what the key alone decides.
constexpr std::size_t kKeyPart = 18;
constexpr std::size_t kStartedMax = 256;

void read_plan(Body& body, rules::RolloutStarted& started) {
  const auto lasts = body.duration("for");
  if (lasts && (*lasts < 1s || *lasts > kLongest)) body.fault("for", "from 1s to 30 days");
  started.lasts = lasts.value_or(Duration{});
  const auto steps = body.text("steps");
  if (!steps) return;
  if (lasts) body.fault("steps", "a rollout has steps, or one step `for` a time, not both");
  Result<std::vector<rules::RolloutStep>> parsed = rules::parse_steps(*steps);
  if (!parsed) return body.fault("steps", parsed.error().message);
  started.steps = std::move(parsed).value();
}

rules::RolloutStarted read(Body& body) {
  rules::RolloutStarted started;
  started.service = body.require_text("service");
  started.candidate = body.require_text("candidate");
  started.baseline = body.text("baseline").value_or("");
  if (started.candidate == started.baseline && !started.candidate.empty()) {
    body.fault("baseline", "the candidate is the baseline: there is nothing to judge");
  }
  read_plan(body, started);
  started.is_driving = body.boolean("driving").value_or(false);
  started.is_irreversible = body.boolean("irreversible").value_or(false);
  started.train = body.text("train").value_or("");
  started.commit = body.text("commit").value_or("");
  started.committed_at = body.instant("committed_at");
  if (const auto mode = body.text("mode")) {
    started.mode = mode_named(*mode);
    if (!started.mode) body.fault("mode", "observe, recommend or enforce should stand here");
  }
  started.by = body.text("by").value_or("");
  return started;
}

/// All that makes two requests the same, but for who sent them.
std::string meaning_of(const rules::RolloutStarted& started) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", started.service,
                     started.candidate, started.baseline, started.lasts.count(),
                     rules::steps_text(started.steps), started.is_driving, started.is_irreversible,
                     started.train, started.commit,
                     started.committed_at ? unix_ms(*started.committed_at) : -1,
                     started.mode ? name_of(*started.mode) : "");
}

/// In a UUID's shape (version 8). Half of it comes from the key and half from what is asked for: so
/// a repeat is known by its id alone, whatever was restarted in between, and so is another request
/// under the same key.
std::string id_of(const std::string& key, const std::string& meaning) {
  net::Digest bytes = net::sha256("rollout key\n" + key);
  const net::Digest of_meaning = net::sha256("rollout\n" + meaning);
  std::copy_n(of_meaning.begin(), 8, bytes.begin() + 8);
  bytes[6] = static_cast<std::uint8_t>(0x80 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  const std::string hex = net::hex_of(std::span(bytes).first(16));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

/// Another rollout that the same key has made.
std::optional<std::string> other_of_key(const ApiContext& context, const rules::Snapshot& snapshot,
                                        const std::string& id) {
  const auto is_other = [&](const std::string& one) {
    return one != id && one.starts_with(id.substr(0, kKeyPart));
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

net::Outgoing made(const rules::RolloutStatus& rollout, int status) {
  net::Outgoing answer = answer_json(rollout_view(rollout), status);
  answer.headers.push_back({"Location", "/api/v1/rollouts/" + rollout.id});
  answer.headers.push_back({"ETag", etag_of(rollout)});
  return answer;
}

/// What the engine said instead of beginning it.
std::string refusal_of(const Newest& newest, std::uint64_t since, const std::string& service) {
  std::string why = "the engine did not begin it";
  const auto notices = newest.notices();
  if (!notices) return why;
  for (const Newest::Noted& noted : *notices) {
    if (noted.number > since && noted.notice.service == service) {
      why = noted.notice.headline;
      for (const std::string& detail : noted.notice.details) why += "; " + detail;
    }
  }
  return why;
}

net::Outgoing begin(const Call& call, rules::RolloutStarted started) {
  ApiContext& context = call.context;
  context.started.push_back(started.id);
  if (context.started.size() > kStartedMax) context.started.pop_front();
  const auto notices = context.newest.notices();
  const std::uint64_t noticed = notices && !notices->empty() ? notices->back().number : 0;
  nlohmann::ordered_json pending{{"id", started.id}, {"service", started.service}};
  auto shown = [&newest = context.newest, id = started.id, service = started.service, noticed,
                request_id = call.request_id](const Seen& seen) -> std::optional<net::Outgoing> {
    const rules::RolloutStatus* rollout = rollout_of(seen.snapshot, id);
    if (rollout != nullptr) return made(*rollout, 201);
    if (!seen.is_settled) return std::nullopt;
    return answer_of({Problem::Kind::refused, refusal_of(newest, noticed, service)}, request_id);
  };
  return change(call, std::move(started), std::move(shown), pending);
}

}  // namespace

net::Outgoing start_rollout(const Call& call) {
  Body body(call.request);
  rules::RolloutStarted started = read(body);
  if (const auto problem = body.problem()) return call.refuse(*problem);
  const std::string_view key = call.request.header("idempotency-key").value_or("");
  if (key.size() > kKeyBytesMax) {
    return call.refuse({Problem::Kind::bad_request, "an Idempotency-Key has at most 255 bytes"});
  }
  started.id = id_of(key.empty() ? net::random_hex(16) : std::string(key), meaning_of(started));
  started.at = call.context.parts.now();
  started.by = doer_of(call, started.by.empty() ? std::nullopt : std::optional(started.by));
  const auto published = call.context.newest.published();
  const rules::Snapshot& snapshot = published->snapshot;
  if (service_of(snapshot, started.service) == nullptr) {
    return call.refuse({Problem::Kind::unknown_service,
                        "no service is called " + started.service,
                        {{"field", "service"}}});
  }
  if (const auto other = other_of_key(call.context, snapshot, started.id)) {
    return call.refuse({Problem::Kind::key_reused,
                        "it began the rollout " + *other + ", which is another one",
                        {{"rollout", *other}}});
  }
  if (const auto* known = rollout_of(snapshot, started.id)) return made(*known, 200);
  return begin(call, std::move(started));
}

}  // namespace belay::monitor
