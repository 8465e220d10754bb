#include "tests/integration/driven_shop.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kRequestsAtOnce = 10;
constexpr auto kLongest = 90s;

}  // namespace

DrivenShopTest::DrivenShopTest() { peer_.deploy(kGoodVersion, 100, "all of it"); }

/// Whoever writes the log asks the peer, which goes first.
DrivenShopTest::~DrivenShopTest() {
  world_.serve([] { return std::vector<GateWorld::Answer>{}; });
}

void DrivenShopTest::start_driven(GateWorld::Settings settings) {
  settings.platform = "{ cloudflare: { script: shop-worker } }";
  settings.more += "\nplatforms: { cloudflare: { account: acc, token: \"${SLACK}\", api: \"" +
                   peer_.base_url() + "\" } }";
  start(settings);
  world_.serve([this] {
    std::vector<GateWorld::Answer> answers;
    for (const auto& [version, percent] : peer_.live()) {
      const bool is_good = version == kGoodVersion;
      for (int i = 0; i < static_cast<int>(percent) / kRequestsAtOnce; ++i)
        answers.push_back({version, is_good ? 200 : status_.load()});
    }
    return answers;
  });
}

std::string DrivenShopTest::drive(const std::string& steps, std::vector<std::string> more) {
  std::vector<std::string> arguments = {"rollout",   "start",    "--service", "shop-worker",
                                        "--steps",   steps,      "--driving", "--candidate",
                                        kBadVersion, "--output", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const BelayRun begun = belay(arguments);
  EXPECT_EQ(begun.code, 0) << begun.text;
  const json made = json::parse(begun.text, nullptr, false);
  return made.is_object() ? made.value("id", "") : "";
}

json DrivenShopTest::rollout(const std::string& id) const {
  json shown = json::parse(get("/api/v1/rollouts/" + id).body, nullptr, false);
  return shown.is_object() ? shown : json::object();
}

std::string DrivenShopTest::state(const std::string& id) const {
  return rollout(id).value("state", "");
}

bool DrivenShopTest::becomes(const std::string& id, const std::string& state) const {
  return eventually(
      [&] {
        const json now = rollout(id);
        return now.value("state", "") == state || now.value("held", "") == state;
      },
      kLongest);
}

bool DrivenShopTest::waits_saying(const std::string& id, const std::string& text) const {
  return eventually(
      [&] {
        const json now = rollout(id);
        return now.value("state", "") == "held" &&
               now.value("why", "").find(text) != std::string::npos;
      },
      kLongest);
}

std::vector<std::string> DrivenShopTest::moves() {
  std::vector<std::string> moves;
  for (const PeerRequest& request : peer_.requests()) {
    if (request.method != "POST") continue;
    std::vector<std::string> shares;
    const json body = json::parse(request.body);
    for (const json& share : body.at("versions"))
      shares.push_back(fmt::format("{} at {}%",
                                   share.at("version_id").get<std::string>().substr(0, 4),
                                   share.at("percentage").get<double>()));
    moves.push_back(fmt::format("{}", fmt::join(shares, ", ")));
  }
  return moves;
}

}  // namespace belay::test
