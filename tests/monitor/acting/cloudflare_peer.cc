#include "tests/monitor/acting/cloudflare_peer.h"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "tests/monitor/acting/records.h"

namespace belay::test {
namespace {

using nlohmann::json;

json share(const std::string& version, double percent) {
  return {{"version_id", version}, {"percentage", percent}};
}

std::string header_in(const std::string& head, const std::string& name) {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    std::string start = line.substr(0, name.size() + 1);
    std::transform(start.begin(), start.end(), start.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (start != name + ":") continue;
    std::string value = line.substr(name.size() + 1);
    value.erase(0, value.find_first_not_of(' '));
    while (!value.empty() && (value.back() == '\r' || value.back() == ' ')) value.pop_back();
    return value;
  }
  return {};
}

std::string success(const json& result) {
  const json body = {{"success", true},
                     {"errors", json::array()},
                     {"messages", json::array()},
                     {"result", result}};
  return http_response(200, body.dump(), "Content-Type: application/json\r\n");
}

}  // namespace

CloudflarePeer::CloudflarePeer()
    : deployments_{{"canary 10%",
                    json::array({share(kBadVersion, 10), share(kGoodVersion, 90)}).dump()},
                   {"baseline", json::array({share(kGoodVersion, 100)}).dump()}},
      peer_([this](PeerConnection& connection) { serve(connection); }) {}

void CloudflarePeer::behave(std::vector<PeerBehaviour> script) {
  const std::scoped_lock lock(mutex_);
  script_ = std::move(script);
  posts_ = 0;
}

void CloudflarePeer::answer_always(std::string response) {
  const std::scoped_lock lock(mutex_);
  always_ = std::move(response);
}

void CloudflarePeer::deploy(const std::string& version, double percent,
                            const std::string& message) {
  const std::scoped_lock lock(mutex_);
  deployments_.insert(deployments_.begin(),
                      {message, json::array({share(version, percent)}).dump()});
}

int CloudflarePeer::deployments_with(const std::string& text_in_message) {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(
      std::count_if(deployments_.begin(), deployments_.end(), [&](const Deployment& one) {
        return one.message.find(text_in_message) != std::string::npos;
      }));
}

std::vector<CloudflarePeer::Request> CloudflarePeer::requests() {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void CloudflarePeer::serve(PeerConnection& connection) {
  if (!connection.read_until("\r\n\r\n")) return;
  const std::string head = connection.received().substr(0, connection.received().find("\r\n\r\n"));
  Request request;
  std::istringstream(head) >> request.method >> request.target;
  request.authorization = header_in(head, "authorization");
  const std::string length = header_in(head, "content-length");
  const std::size_t whole = head.size() + 4 + (length.empty() ? 0 : std::stoul(length));
  while (connection.received().size() < whole) {
    // The last byte of the JSON there is.
    if (!connection.read_until("}")) return;
  }
  request.body = connection.received().substr(head.size() + 4);
  std::string always;
  {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
    always = always_;
  }
  if (!always.empty()) {
    connection.send(always);
  } else if (request.method == "POST") {
    take(connection, request);
  } else {
    connection.send(list());
  }
}

void CloudflarePeer::take(PeerConnection& connection, const Request& request) {
  PeerBehaviour how = PeerBehaviour::clean;
  {
    const std::scoped_lock lock(mutex_);
    if (posts_ < script_.size()) how = script_[posts_];
    ++posts_;
  }
  switch (how) {
    case PeerBehaviour::clean:
      add(request.body);
      connection.send(success(json::parse(request.body)));
      return;
    case PeerBehaviour::applied_then_dropped:
      add(request.body);
      connection.reset();
      return;
    case PeerBehaviour::applied_then_500:
      add(request.body);
      connection.send(http_response(502, "<html>Bad gateway</html>"));
      return;
    case PeerBehaviour::not_applied_and_500:
      connection.send(http_response(500, "<html>Internal</html>"));
      return;
    case PeerBehaviour::slow:
      connection.hang();
      add(request.body);
      return;
    case PeerBehaviour::throttled:
      connection.send(
          http_response(429, R"({"success":false,"errors":[{"code":971,"message":"slow down"}]})",
                        "Retry-After: 1\r\n"));
      return;
  }
}

std::string CloudflarePeer::list() {
  const std::scoped_lock lock(mutex_);
  json all = json::array();
  for (std::size_t index = 0; index < deployments_.size(); ++index) {
    all.push_back({{"id", "d" + std::to_string(deployments_.size() - index)},
                   {"source", "wrangler"},
                   {"strategy", "percentage"},
                   {"author_email", "ops@example.test"},
                   {"annotations", {{"workers/message", deployments_[index].message}}},
                   {"created_on", "2026-11-13T10:00:00.000000Z"},
                   {"versions", json::parse(deployments_[index].versions)}});
  }
  return success({{"deployments", all}});
}

void CloudflarePeer::add(const std::string& body) {
  const json posted = json::parse(body);
  const std::scoped_lock lock(mutex_);
  deployments_.insert(deployments_.begin(),
                      {posted["annotations"]["workers/message"], posted["versions"].dump()});
}

}  // namespace belay::test
