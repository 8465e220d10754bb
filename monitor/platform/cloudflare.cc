#include "monitor/platform/cloudflare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "base/shell_quoted.h"
#include "monitor/platform/cloudflare_standing.h"
#include "net/http_client.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

// What the API documents for annotations; wrangler sends more, uncut.
constexpr std::size_t kMessageBytesMax = 100;
// A list of a few hundred deployments.
constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

std::string message_of(const rules::Order& order) {
  std::string message = mark_of(order);
  const std::size_t room = kMessageBytesMax - std::min(kMessageBytesMax, message.size() + 4);
  if (room > 0) message += " " + sanitize(order.reason, room);
  return message;
}

}  // namespace

std::string wrangler_deploy(const std::string& shares, const std::string& script) {
  return "wrangler versions deploy " + shares + " -y --name " + shell_quoted(sanitize(script, 80));
}

Cloudflare::Cloudflare(CloudflareOptions options)
    : options_(std::move(options)),
      script_url_(options_.base_url + "/accounts/" + net::percent_encoded(options_.account) +
                  "/workers/scripts/" + net::percent_encoded(options_.script)) {}

Result<net::HttpResponse> Cloudflare::get(const std::string& part, std::stop_token stop) const {
  auto answer = net::http_call({.url = script_url_ + part,
                                .headers = {{"Authorization", "Bearer " + options_.token.reveal()}},
                                .deadline = options_.deadline,
                                .body_bytes_max = kAnswerBytesMax,
                                .ca_file = options_.ca_file,
                                .last_good = &last_good_},
                               std::move(stop));
  if (const auto* fault = std::get_if<net::HttpFault>(&answer)) return error_of(*fault, false);
  return std::get<net::HttpResponse>(std::move(answer));
}

Result<std::vector<CloudflareDeployment>> Cloudflare::deployments(std::stop_token stop) {
  const auto answer = get("/deployments", std::move(stop));
  if (!answer.ok()) return answer.error();
  auto deployments = deployments_in(*answer);
  if (deployments.ok() && deployments->empty()) {
    return Error{Error::Kind::not_found, "Cloudflare: the script was never deployed"};
  }
  if (deployments.ok() && !newest_.is_as_new(*deployments, std::chrono::steady_clock::now())) {
    return Error{
        Error::Kind::unavailable,
        "Cloudflare: the answer lacks a deployment that was there before: it may be older, "
        "and say what was live then"};
  }
  return deployments;
}

Result<Standing> Cloudflare::read(const rules::Order& order, std::stop_token stop) {
  const auto found = deployments(std::move(stop));
  if (!found.ok()) return found.error();
  return standing_of(*found, order);
}

Result<rules::Deployment> Cloudflare::live(std::stop_token stop) {
  const auto found = deployments(std::move(stop));
  if (!found.ok()) return found.error();
  rules::Deployment live{.id = found->front().id};
  for (const CloudflareDeployment::Share& share : found->front().versions) {
    live.versions.push_back({share.version, share.percent});
  }
  if (live.versions.empty()) {
    return Error{Error::Kind::unavailable, "Cloudflare: the live deployment names no version"};
  }
  std::ranges::stable_sort(live.versions, std::greater{}, &rules::Deployment::Share::percent);
  return live;
}

Result<std::optional<VersionFacts>> Cloudflare::version(const std::string& id,
                                                        std::stop_token stop) {
  const auto one = get("/versions/" + net::percent_encoded(id), stop);
  if (!one.ok()) return one.error();
  Result<VersionFacts> facts = version_in(*one);
  if (!facts.ok()) return facts.error();
  if (!facts->exists) return std::optional{std::move(facts).value()};
  // Of all that were uploaded, only the newest hundred; this lists them whole, whatever its page.
  const auto list = get("/versions?deployable=true", std::move(stop));
  if (!list.ok()) return list.error();
  const auto deployable = version_ids_in(*list);
  if (!deployable.ok()) return deployable.error();
  facts->is_deployable = std::ranges::find(*deployable, id) != deployable->end();
  return std::optional{std::move(facts).value()};
}

Status Cloudflare::apply(const rules::Order& order, std::stop_token stop) {
  const Result<Shares> target = target_of(order);
  if (!target.ok()) return target.error();
  using nlohmann::json;
  json versions = json::array();
  for (const auto& [version, percent] : *target) {
    // Whole percents as wrangler writes them.
    const bool is_whole = percent == std::floor(percent);
    versions.push_back({{"version_id", version},
                        {"percentage", is_whole ? json(std::lround(percent)) : json(percent)}});
  }
  // Immediate: wrangler's default leaves Durable Objects on the bad code for five minutes more.
  const json body = {{"strategy", "percentage"},
                     {"versions", versions},
                     {"annotations", {{"workers/message", message_of(order)}}},
                     {"code_update_strategy", {{"mode", "immediate"}}}};
  const auto answer =
      net::http_call({.method = "POST",
                      .url = script_url_ + "/deployments" + (options_.force ? "?force=true" : ""),
                      .headers = {{"Authorization", "Bearer " + options_.token.reveal()},
                                  {"Content-Type", "application/json"}},
                      .body = body.dump(-1, ' ', false, json::error_handler_t::replace),
                      .deadline = options_.deadline,
                      .ca_file = options_.ca_file,
                      .last_good = &last_good_},
                     std::move(stop));
  if (const auto* fault = std::get_if<net::HttpFault>(&answer)) return error_of(*fault, true);
  const auto& response = std::get<net::HttpResponse>(answer);
  const Status status = accepted(response);
  if (status.ok()) newest_.made(made_deployment_in(response), std::chrono::steady_clock::now());
  return status;
}

void Cloudflare::was_seen(const std::string& deployment) {
  newest_.was_seen(deployment, std::chrono::steady_clock::now());
}

std::string Cloudflare::by_hand(const rules::Order& order) const {
  const Result<Shares> target = target_of(order);
  std::string shares;
  for (const auto& [version, percent] : target.ok() ? *target : Shares{{"VERSION", 100}}) {
    if (!shares.empty()) shares += " ";
    shares += fmt::format("{}@{:g}%", shell_quoted(sanitize(version, 80)), percent);
  }
  return wrangler_deploy(shares, options_.script);
}

}  // namespace belay::monitor
