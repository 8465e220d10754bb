#include "tests/monitor/acting/cloudflare_peer.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "tests/monitor/acting/records.h"

namespace belay::test {
namespace {

using nlohmann::json;

json share(const std::string& version, double percent) {
  return {{"version_id", version}, {"percentage", percent}};
}

std::string success(const json& result) {
  const json body = {{"success", true},
                     {"errors", json::array()},
                     {"messages", json::array()},
                     {"result", result}};
  return http_response(200, body.dump(), "Content-Type: application/json\r\n");
}

json annotated(const std::string& message) {
  return {{"workers/message", message}, {"workers/triggered_by", "deployment"}};
}

/// As much of a version as wrangler shows.
json version(const std::string& id, const CloudflarePeer::Version& facts) {
  json bindings = json::array();
  for (const auto& [type, name] : facts.bindings) {
    bindings.push_back({{"type", type}, {"name", name}});
  }
  json runtime = {{"usage_model", "standard"}};
  if (!facts.migration.empty()) runtime["migration_tag"] = facts.migration;
  return {{"id", id},
          {"number", 1},
          {"metadata",
           {{"created_on", "2026-11-12T09:00:00.000000Z"},
            {"modified_on", "2026-11-12T09:00:00.000000Z"},
            {"source", "wrangler"},
            {"author_email", "ops@example.test"}}},
          {"annotations", {{"workers/message", "upload of " + id}, {"workers/tag", "v1"}}},
          {"resources",
           {{"bindings", bindings},
            {"script", {{"etag", "e"}, {"handlers", {"fetch"}}}},
            {"script_runtime", runtime}}}};
}

std::string refusal(int status, int code, const std::string& message) {
  const json body = {{"success", false},
                     {"errors", json::array({{{"code", code}, {"message", message}}})},
                     {"messages", json::array()},
                     {"result", nullptr}};
  return http_response(status, body.dump(), "Content-Type: application/json\r\n");
}

std::string no_route() { return refusal(404, 7003, "Could not route"); }

}  // namespace

CloudflarePeer::CloudflarePeer()
    : deployments_{{2, annotated("canary 10%").dump(),
                    json::array({share(kBadVersion, 10), share(kGoodVersion, 90)}).dump()},
                   {1, annotated("baseline").dump(),
                    json::array({share(kGoodVersion, 100)}).dump()}},
      versions_{{kBadVersion, {}}, {kGoodVersion, {}}},
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

void CloudflarePeer::lag_behind(std::size_t deployments) {
  const std::scoped_lock lock(mutex_);
  hidden_ = deployments;
}

void CloudflarePeer::deploy(const std::string& version, double percent,
                            const std::string& message) {
  deploy(json{{"annotations", annotated(message)},
              {"versions", json::array({share(version, percent)})}}
             .dump());
}

void CloudflarePeer::deploy(const std::vector<std::pair<std::string, double>>& shares,
                            const std::string& message) {
  json versions = json::array();
  for (const auto& [version, percent] : shares) versions.push_back(share(version, percent));
  deploy(json{{"annotations", annotated(message)}, {"versions", versions}}.dump());
}

void CloudflarePeer::upload(const std::string& id, Version version) {
  const std::scoped_lock lock(mutex_);
  versions_[id] = std::move(version);
}

void CloudflarePeer::forget(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  versions_.erase(id);
}

void CloudflarePeer::allow(std::vector<std::string> permission_groups) {
  const std::scoped_lock lock(mutex_);
  permission_groups_ = std::move(permission_groups);
}

int CloudflarePeer::deployments_with(const std::string& text_in_message) {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(
      std::count_if(deployments_.begin(), deployments_.end(), [&](const Deployment& one) {
        return one.annotations.find(text_in_message) != std::string::npos;
      }));
}

std::vector<std::pair<std::string, double>> CloudflarePeer::live() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::pair<std::string, double>> shares;
  for (const json& share : json::parse(deployments_.front().versions))
    shares.emplace_back(share.at("version_id"), share.at("percentage"));
  return shares;
}

std::vector<PeerRequest> CloudflarePeer::requests() {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void CloudflarePeer::serve(PeerConnection& connection) {
  const std::optional<PeerRequest> request = read_request(connection);
  if (!request) return;
  std::string always;
  {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(*request);
    always = always_;
  }
  if (!always.empty()) {
    connection.send(always);
  } else if (request->method == "POST") {
    take(connection, request->body);
  } else {
    connection.send(found(request->target));
  }
}

void CloudflarePeer::take(PeerConnection& connection, const std::string& body) {
  PeerBehaviour how = PeerBehaviour::clean;
  {
    const std::scoped_lock lock(mutex_);
    if (posts_ < script_.size()) how = script_[posts_];
    ++posts_;
  }
  switch (how) {
    case PeerBehaviour::clean:
      connection.send(success(json::parse(deploy(body))));
      return;
    case PeerBehaviour::applied_then_dropped:
      deploy(body);
      connection.reset();
      return;
    case PeerBehaviour::applied_then_500:
      deploy(body);
      connection.send(http_response(502, "<html>Bad gateway</html>"));
      return;
    case PeerBehaviour::not_applied_and_500:
      connection.send(http_response(500, "<html>Internal</html>"));
      return;
    case PeerBehaviour::slow:
      connection.hang();
      deploy(body);
      return;
    case PeerBehaviour::throttled:
      connection.send(
          http_response(429, R"({"success":false,"errors":[{"code":971,"message":"slow down"}]})",
                        "Retry-After: 1\r\n"));
      return;
  }
}

std::string CloudflarePeer::found(const std::string& target) {
  if (target.find("/user/tokens/") != std::string::npos) return found_token(target);
  const std::string script = "/workers/scripts/";
  const std::size_t name = target.find(script);
  const std::size_t part = target.find('/', name + script.size());
  if (name == std::string::npos || part == std::string::npos) return no_route();
  const std::string path = target.substr(part, target.find('?') - part);
  const std::string one_version = "/versions/";
  if (path.starts_with(one_version)) return found_version(path.substr(one_version.size()));
  const std::scoped_lock lock(mutex_);
  if (path == "/versions") {
    const bool deployable_only = target.find("deployable=true") != std::string::npos;
    json items = json::array();
    for (const auto& [id, facts] : versions_) {
      if (facts.is_deployable || !deployable_only) items.push_back(version(id, facts));
    }
    return success({{"items", items}});
  }
  if (path != "/deployments") return no_route();
  json all = json::array();
  for (std::size_t at = hidden_; at < deployments_.size(); ++at)
    all.push_back(json::parse(json_of(deployments_[at])));
  return success({{"deployments", all}});
}

std::string CloudflarePeer::found_version(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = versions_.find(id);
  if (found == versions_.end()) return refusal(404, 10223, "Version not found");
  return success(version(id, found->second));
}

std::string CloudflarePeer::found_token(const std::string& target) {
  if (target.ends_with("/verify")) return success({{"id", "token-1"}, {"status", "active"}});
  const std::scoped_lock lock(mutex_);
  if (permission_groups_.empty()) return refusal(403, 9109, "Unauthorized to access this token");
  json groups = json::array();
  for (const std::string& name : permission_groups_) groups.push_back({{"name", name}});
  return success({{"id", "token-1"},
                  {"status", "active"},
                  {"policies", json::array({{{"permission_groups", groups}}})}});
}

std::string CloudflarePeer::deploy(const std::string& body) {
  const json posted = json::parse(body);
  const std::scoped_lock lock(mutex_);
  const int number = deployments_.front().number + 1;
  deployments_.insert(deployments_.begin(),
                      {number, posted["annotations"].dump(), posted["versions"].dump()});
  return json_of(deployments_.front());
}

std::string CloudflarePeer::json_of(const Deployment& deployment) {
  // Wrangler sorts by time; to us only the order counts.
  const std::string seconds = std::to_string(100 + deployment.number).substr(1);
  return json{{"id", "d" + std::to_string(deployment.number)},
              {"source", "wrangler"},
              {"strategy", "percentage"},
              {"author_email", "ops@example.test"},
              {"annotations", json::parse(deployment.annotations)},
              {"created_on", "2026-11-13T10:00:" + seconds + ".000000Z"},
              {"versions", json::parse(deployment.versions)}}
      .dump();
}

}  // namespace belay::test
