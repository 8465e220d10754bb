#include "exporters/slack.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "exporters/slack_message.h"
#include "net/http_client.h"
#include "net/http_syntax.h"

namespace belay::exporters {
namespace {

using Attempt = Outbox::Attempt;
using Result = Attempt::Result;

/// Said by kind alone: a fault's own words might quote the URL.
std::string words_of(const net::HttpFault& fault) {
  using Kind = net::HttpFault::Kind;
  switch (fault.kind) {
    case Kind::dns:
      return "Slack's name cannot be looked up";
    case Kind::refused:
      return "Slack refuses the connection";
    case Kind::tls:
      return "TLS with Slack fails";
    case Kind::timeout:
      return "Slack does not answer in time";
    case Kind::protocol:
      return "Slack's answer is not HTTP";
    case Kind::forbidden_address:
      return "the webhook's address is not allowed: it is that of a metadata service";
    case Kind::invalid:
      return "the webhook is not a URL that can be called";
    case Kind::stopped:
      return "stopped";
  }
  return "Slack cannot be reached";
}

/// Slack's reason is one word ("channel_is_archived"); a proxy's page, which may quote the URL, is
/// not.
std::string reason_in(const std::string& body) {
  constexpr std::size_t kBytesMax = 60;
  const bool is_word = !body.empty() && body.size() <= kBytesMax &&
                       std::all_of(body.begin(), body.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_word ? " (" + body + ")" : "";
}

std::optional<std::chrono::milliseconds> retry_after(const net::HttpResponse& response) {
  const auto header = response.header("Retry-After");
  if (!header) return std::nullopt;
  const auto asked = net::parse_retry_after(*header);
  if (!asked) return std::nullopt;
  // What waits in the queue grows old.
  return std::min<std::chrono::milliseconds>(*asked, std::chrono::hours{1});
}

/// The other refusals (401, 403, 404, 410) speak of the webhook: another one under its name will
/// tell what this one does not.
bool speaks_of_the_message(int status) {
  return status == 400 || status == 413 || status == 415 || status == 422;
}

Attempt judge(const net::HttpResponse& response) {
  if (response.status == 200 && response.body == "ok") return {.result = Result::delivered};
  std::string why = "Slack answered " + std::to_string(response.status) + reason_in(response.body);
  // Slack refuses with a word. A redirect, or a page of whatever stands between us, is no word of
  // Slack's, whatever its status: a page to people must not be lost for it.
  const bool is_refused =
      speaks_of_the_message(response.status) && !reason_in(response.body).empty();
  return {.result = is_refused ? Result::refused : Result::try_again,
          .why = std::move(why),
          .retry_after = is_refused ? std::nullopt : retry_after(response)};
}

}  // namespace

Slack::Slack(Options options, NotificationCounts counts, Outbox::Complain complain)
    : options_(std::move(options)),
      outbox_(
          options_.limits, counts,
          [this](const Outbox::Batch& batch, std::stop_token stop) {
            return deliver(batch, std::move(stop));
          },
          std::move(complain), options_.keeping) {}

void Slack::publish(const rules::Snapshot& /*snapshot*/) {}

void Slack::notify(const rules::Notice& notice) { outbox_.put(notice); }

Attempt Slack::deliver(const Outbox::Batch& batch, std::stop_token stop) const {
  const auto answer =
      net::http_call({.method = "POST",
                      .url = options_.webhook.reveal(),
                      .headers = {{"Content-Type", "application/json; charset=utf-8"}},
                      .body = slack_message(batch, options_.commands),
                      .deadline = options_.deadline,
                      .ca_file = options_.ca_file},
                     std::move(stop));
  if (const auto* response = std::get_if<net::HttpResponse>(&answer)) return judge(*response);
  const auto& fault = std::get<net::HttpFault>(answer);
  const bool is_final = fault.kind == net::HttpFault::Kind::invalid ||
                        fault.kind == net::HttpFault::Kind::forbidden_address;
  return {.result = is_final ? Result::refused : Result::try_again, .why = words_of(fault)};
}

}  // namespace belay::exporters
