#include "monitor/commands/begin_rollout.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/sanitize.h"
#include "exporters/json_fields.h"
#include "monitor/commands/options.h"
#include "net/deadline.h"
#include "net/digest.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using exporters::array_in;
using exporters::text_in;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr auto kAgainAfter = 1s;
constexpr std::chrono::milliseconds kReadyWithin{30'000};

/// A daemon that has just started, or is busy, says so, and is ready soon.
bool is_not_ready(const ApiClient::Answer& answer) {
  return answer.status == 503 && text_in(answer.json, "type").ends_with(":not-ready");
}

/// What the daemon says once it is ready; an empty object if it cannot be asked or does not know.
json asked(const ApiClient& client, const std::string& path) {
  const net::Deadline deadline{kReadyWithin};
  for (;;) {
    const Result<ApiClient::Answer> answer = client.call({.path = path});
    if (answer && is_not_ready(*answer) && !deadline.passed()) {
      std::this_thread::sleep_for(kAgainAfter);
      continue;
    }
    return answer && answer->ok() ? answer->json : json::object();
  }
}

/// Which service the daemon means by a name; empty if none.
std::string service_called(const ApiClient& client, const std::string& name) {
  return text_in(asked(client, "/api/v1/services/" + net::percent_encoded(name)), "service");
}

/// Whether it is a Worker, as far as the daemon knows: then its script is a name of it.
bool is_worker(const ApiClient& client, const std::string& service) {
  const json sources = asked(client, "/api/v1/sources");
  return std::ranges::any_of(array_in(sources, "sources"), [&](const json& source) {
    return text_in(source, "service") == service && text_in(source, "kind") == "platform";
  });
}

/// Why wrangler's file is not about the service that was named; nothing where it may be.
std::optional<std::string> contradiction_in(const ApiClient& client,
                                            const GateArguments& arguments) {
  if (arguments.worker.empty() || arguments.worker == arguments.service) return std::nullopt;
  const std::string meant = service_called(client, arguments.worker);
  const std::string named = service_called(client, arguments.service);
  const bool is_other = meant.empty() ? is_worker(client, named) : meant != named;
  return is_other ? std::optional(contradiction(arguments, meant)) : std::nullopt;
}

}  // namespace

Result<ApiClient::Answer> ask_until_shown(const ApiClient& client,
                                          const ApiClient::Request& request) {
  const net::Deadline deadline{kReadyWithin};
  Progress progress;
  for (;;) {
    Result<ApiClient::Answer> answer = client.call(request);
    if (deadline.passed()) return answer;
    const bool is_lost = !answer && answer.error().kind == Error::Kind::ambiguous;
    const bool is_pending = answer && answer->status == 202;
    const bool is_early = answer && is_not_ready(*answer);
    if (!is_lost && !is_pending && !is_early) return answer;
    if (progress.due()) {
      progress.show(is_lost ? "an answer of the daemon was lost: asking again"
                            : "waiting for the daemon");
    }
    // A 202 has been waited for already.
    if (!is_pending) std::this_thread::sleep_for(kAgainAfter);
  }
}

ordered_json request_of(const GateArguments& arguments, const std::string& by) {
  ordered_json body{{"service", arguments.service}, {"candidate", arguments.candidate}};
  const auto put = [&body](const char* name, const std::string& value) {
    if (!value.empty()) body[name] = value;
  };
  put("baseline", arguments.baseline);
  put(arguments.steps.empty() ? "for" : "steps",
      arguments.steps.empty() ? arguments.lasts : arguments.steps);
  put("mode", arguments.mode);
  put("commit", arguments.commit);
  put("committed_at", arguments.committed_at);
  put("train", arguments.train);
  if (arguments.is_driving) body["driving"] = *arguments.is_driving;
  if (arguments.is_irreversible) body["irreversible"] = true;
  put("by", by);
  return body;
}

Begun begin_rollout(const ApiClient& client, const GateArguments& arguments) {
  if (const auto wrong = contradiction_in(client, arguments)) {
    complain(sanitize(*wrong, 1000));
    return {kExitUsage, nullptr, ""};
  }
  ApiClient::Request request{.method = "POST",
                             .path = "/api/v1/rollouts",
                             .body = request_of(arguments, user_name()),
                             .holds = "candidate"};
  request.headers.push_back(
      {"Idempotency-Key", arguments.key.empty() ? net::random_hex(16) : arguments.key});
  const Result<ApiClient::Answer> answer = ask_until_shown(client, request);
  if (!answer || answer->status == 202) {
    complain(answer ? "the daemon has not begun the rollout in 30 s"
                    : sanitize(answer.error().message, 1000));
    return {kExitUnavailable, nullptr, ""};
  }
  if (!answer->ok()) {
    complain(answer->problem());
    return {answer->status == 503 ? kExitUnavailable : kExitUsage, nullptr, ""};
  }
  return {kExitPass, answer->json, answer->etag};
}

}  // namespace belay::monitor
