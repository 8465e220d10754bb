#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "monitor/platform/cloudflare_reply.h"
#include "monitor/platform/newest_deployment.h"
#include "monitor/platform/platform.h"
#include "net/last_good_address.h"

namespace belay::monitor {

struct CloudflareOptions {
  std::string account;
  std::string script;
  Secret token;        ///< Needs Workers Scripts Write.
  bool force = false;  ///< Roll back even if secrets have changed since the target version.
  std::chrono::milliseconds deadline{10'000};                     ///< Of each call.
  std::string base_url = "https://api.cloudflare.com/client/v4";  ///< Another one in tests only.
  std::optional<std::string> ca_file;
};

/// "wrangler versions deploy v1@100% -y --name shop", for people to type. `shares`: for a shell.
std::string wrangler_deploy(const std::string& shares, const std::string& script);

/// Rolls a Worker back over Cloudflare's REST API: a new deployment with the target version at
/// 100 %. Its message begins with the intent's id, by which a later read knows it again.
class Cloudflare final : public Platform {
 public:
  explicit Cloudflare(CloudflareOptions options);

  Result<Standing> read(const rules::Order& order, std::stop_token stop) override;
  Status apply(const rules::Order& order, std::stop_token stop) override;
  Result<rules::Deployment> live(std::stop_token stop) override;
  Result<std::optional<VersionFacts>> version(const std::string& id, std::stop_token stop) override;
  void was_seen(const std::string& deployment) override;
  /// Measured by nobody: between its datacenters, and its cache, seconds are usual.
  [[nodiscard]] Duration lag_max() const override { return std::chrono::seconds{10}; }
  [[nodiscard]] std::string by_hand(const rules::Order& order) const override;

 private:
  /// The live one first; at least one.
  Result<std::vector<CloudflareDeployment>> deployments(std::stop_token stop);
  /// `part` of the script: "/deployments".
  Result<net::HttpResponse> get(const std::string& part, std::stop_token stop) const;
  CloudflareOptions options_;
  std::string script_url_;
  /// A platform whose name cannot be looked up must be reachable for a rollback all the same.
  mutable net::LastGoodAddress last_good_;
  NewestDeployment newest_;
};

}  // namespace belay::monitor
