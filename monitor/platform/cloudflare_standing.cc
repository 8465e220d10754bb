#include "monitor/platform/cloudflare_standing.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
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

using Deployments = std::vector<CloudflareDeployment>;

/// A version that has come into the live deployment since the candidate did, and is neither it nor
/// what is to be put back: nobody had it before them who judged. Empty: none. What got traffic with
/// the candidate from the first, or before it, was judged beside it.
std::string newcomer_in(Deployments::const_iterator live, Deployments::const_iterator end,
                        const rules::RollBack& rollback) {
  const auto has_candidate = [&](const CloudflareDeployment& one) {
    return one.percent_of(rollback.expected) > 0;
  };
  const auto before = std::find_if_not(live, end, has_candidate);
  if (before == live) return {};
  const auto since_then = [&](const std::string& version) {
    return std::prev(before)->percent_of(version) == 0 &&
           (before == end || before->percent_of(version) == 0);
  };
  for (const CloudflareDeployment::Share& share : live->versions) {
    const bool is_known = share.version == rollback.expected || share.version == rollback.target;
    if (!is_known && share.percent > 0 && since_then(share.version)) return share.version;
  }
  return {};
}

/// Why a deployment is not the one that was judged when the order was made; nothing if it is. From
/// it to `end` are those before it.
std::optional<std::string> objection_to(Deployments::const_iterator live,
                                        Deployments::const_iterator end,
                                        const rules::Order& order) {
  if (const auto* rollback = std::get_if<rules::RollBack>(&order.action)) {
    if (live->percent_of(rollback->expected) <= 0) return shown(*live);
    const std::string newcomer = newcomer_in(live, end, *rollback);
    if (newcomer.empty()) return std::nullopt;
    return sanitize(newcomer, 80) + " has come since, and would be taken out: " + shown(*live);
  }
  Shares expected;
  for (const auto& share : std::get<rules::MoveTraffic>(order.action).expected) {
    expected.push_back({share.version, share.percent});
  }
  return is_split(*live, expected) ? std::nullopt : std::optional(shown(*live));
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
    if (replaced != deployments.end()) {
      if (const auto why = objection_to(replaced, deployments.end(), order))
        detail += "; raced: it replaced a deployment that was not judged: " + *why;
    }
    return Standing{Standing::Kind::ours, detail};
  }
  if (ours != deployments.end()) {
    return Standing{Standing::Kind::other, "after us someone deployed " + shown(live)};
  }
  if (has_target) return Standing{Standing::Kind::target, shown(live)};
  if (const auto why = objection_to(deployments.begin(), deployments.end(), order))
    return Standing{Standing::Kind::other, *why};
  return Standing{Standing::Kind::expected, shown(live)};
}

}  // namespace belay::monitor
