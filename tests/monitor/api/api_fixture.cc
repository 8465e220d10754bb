#include "tests/monitor/api/api_fixture.h"

#include <algorithm>
#include <utility>

namespace belay::test {

ApiTest::ApiTest() { publish(shop()); }

rules::Snapshot ApiTest::shop() {
  rules::ServiceStatus service{.name = "shop", .mode = rules::Mode::recommend};
  service.rules.push_back({.service = "shop", .rule = "shop-5xx"});
  rules::Snapshot snapshot{.at = from_unix_ms(1'795'000'000'000)};
  snapshot.services.push_back(std::move(service));
  return snapshot;
}

rules::RolloutStatus ApiTest::rollout(const std::string& id) {
  rules::RolloutStatus rollout;
  rollout.id = id;
  rollout.service = "shop";
  rollout.candidate = "v2";
  rollout.state = rules::RolloutState::baking;
  return rollout;
}

monitor::Api& ApiTest::api() {
  if (api_) return *api_;
  std::vector<monitor::Access::Token> tokens;
  tokens.push_back({"ci", net::HashedToken(kGateToken), false, true});
  tokens.push_back({"grafana", net::HashedToken(kReadToken), true, false});
  api_ = std::make_unique<monitor::Api>(
      newest_,
      monitor::ApiParts{
          .deliver = [this](rules::Event event) { delivered_.push_back(std::move(event)); },
          .now = [this] { return now_; },
          .is_recorded = [this] { return is_recorded_; },
          .begins_rollouts = begins_rollouts_,
          .past = has_past_ ? &past_ : nullptr,
          .has_page = [this] { return has_page_; },
          .drives = [this](const std::string& service) { return service == driven_; },
          .lacks_steps = [this](const std::string& service) { return service == stepless_; },
          .lacks_move = [this](const std::string& service) { return service == unmoved_; },
          .rules = [](const std::string&) { return std::set<std::string>{"default/errors"}; },
          .commands = [this] { return commands_; }},
      monitor::Access(std::move(tokens), is_loopback_));
  return *api_;
}

net::Incoming ApiTest::request(const std::string& method, const std::string& target,
                               const std::string& token, const std::string& body) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  net::Incoming request{.method = method,
                        .path = target.substr(0, mark),
                        .query = target.substr(std::min(mark + 1, target.size())),
                        .headers = {{"Host", "127.0.0.1:8080"}},
                        .body = body,
                        .peer = "127.0.0.1"};
  if (!token.empty()) request.headers.push_back({"Authorization", "Bearer " + token});
  if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  return request;
}

net::Outgoing ApiTest::ask(const net::Incoming& request) {
  net::Outgoing answer = api().answer(request);
  if (!answer.later) return answer;
  std::optional<net::Outgoing> known = answer.later();
  return known ? *std::move(known) : std::move(answer);
}

net::Outgoing ApiTest::get(const std::string& target, const std::string& token) {
  return ask(request("GET", target, token));
}

net::Outgoing ApiTest::post(const std::string& target, const std::string& body,
                            const std::string& token) {
  return ask(request("POST", target, token, body));
}

nlohmann::json ApiTest::json_of(const net::Outgoing& answer) {
  return nlohmann::json::parse(answer.body, nullptr, false);
}

std::string ApiTest::problem_of(const net::Outgoing& answer) {
  const nlohmann::json json = json_of(answer);
  if (!json.is_object() || answer.content_type != "application/problem+json") return "";
  const std::string type = json.value("type", "");
  return type.substr(std::min(type.rfind(':') + 1, type.size()));
}

std::string ApiTest::header_of(const net::Outgoing& answer, const std::string& name) {
  const auto found = std::ranges::find(answer.headers, name, &net::Header::name);
  return found == answer.headers.end() ? "" : found->value;
}

}  // namespace belay::test
