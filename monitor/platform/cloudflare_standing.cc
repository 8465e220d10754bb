#include "monitor/platform/cloudflare_standing.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include <fmt/format.h>

#include "base/sanitize.h"

namespace belay::monitor {

std::string mark_of(const rules::Order& order) { return "belay " + order.intent; }

Result<Shares> target_of(const rules::Order& order) {
  if (const auto* rollback = std::get_if<rules::RollBack>(&order.action)) {
    return Shares{{rollback->target, 100}};
  }
  if (const auto* move = std::get_if<rules::MoveTraffic>(&order.action)) {
    if (move->percent >= 100) return Shares{{move->candidate, 100}};
    if (move->baseline.empty()) {
      return Error{Error::Kind::invalid, "there is no baseline to share the traffic with"};
    }
    return Shares{{move->candidate, move->percent}, {move->baseline, 100 - move->percent}};
  }
  return Error{Error::Kind::invalid, "Cloudflare can only roll versions back and move traffic"};
}

std::string shown(const CloudflareDeployment& deployment) {
  std::string text;
  for (const auto& share : deployment.versions) {
    if (!text.empty()) text += ", ";
    text += share.version + " at " + fmt::format("{:g}%", share.percent);
  }
  return sanitize(text + " (deployment " + deployment.id + ")", 300);
}

namespace {

// Cloudflare keeps percentages as they were sent; ours may have passed through a text.
constexpr double kPercentSlack = 0.01;

bool is_split(const CloudflareDeployment& deployment, const Shares& shares) {
  const auto share_of = [&shares](const std::string& version) {
    const auto found = std::ranges::find(shares, version, &CloudflareDeployment::Share::version);
    return found == shares.end() ? 0 : found->percent;
  };
  const auto differ = [](double left, double right) {
    return std::abs(left - right) > kPercentSlack;
  };
  return std::ranges::none_of(
             deployment.versions,
             [&](const auto& one) { return differ(one.percent, share_of(one.version)); }) &&
         std::ranges::none_of(shares, [&](const auto& one) {
           return differ(one.percent, deployment.percent_of(one.version));
         });
}

/// Whether a deployment is the one that was judged when the order was made.
bool is_judged(const CloudflareDeployment& deployment, const rules::Order& order) {
  if (const auto* rollback = std::get_if<rules::RollBack>(&order.action)) {
    return deployment.percent_of(rollback->expected) > 0;
  }
  Shares expected;
  for (const auto& share : std::get<rules::MoveTraffic>(order.action).expected) {
    expected.push_back({share.version, share.percent});
  }
  return is_split(deployment, expected);
}

}  // namespace

Result<Standing> standing_of(const std::vector<CloudflareDeployment>& deployments,
                             const rules::Order& order) {
  const Result<Shares> target = target_of(order);
  if (!target.ok()) return target.error();
  const std::string mark = mark_of(order);
  const CloudflareDeployment& live = deployments.front();
  const bool has_target = is_split(live, *target);
  const auto ours =
      std::find_if(deployments.begin(), deployments.end(), [&](const CloudflareDeployment& one) {
        return one.message.compare(0, mark.size(), mark) == 0;
      });
  if (ours != deployments.end() && has_target) {
    const auto replaced = ours + 1;
    std::string detail = shown(live);
    if (replaced != deployments.end() && !is_judged(*replaced, order)) {
      detail += "; raced: it replaced a deployment that was not judged: " + shown(*replaced);
    }
    return Standing{Standing::Kind::ours, detail};
  }
  if (ours != deployments.end()) {
    return Standing{Standing::Kind::other, "after us someone deployed " + shown(live)};
  }
  if (has_target) return Standing{Standing::Kind::target, shown(live)};
  return Standing{is_judged(live, order) ? Standing::Kind::expected : Standing::Kind::other,
                  shown(live)};
}

}  // namespace belay::monitor
