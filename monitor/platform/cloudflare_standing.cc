#include "monitor/platform/cloudflare_standing.h"

#include <algorithm>
#include <variant>

#include "base/sanitize.h"

namespace belay::monitor {

std::string mark_of(const rules::Order& order) { return "belay " + order.intent; }

std::string shown(const CloudflareDeployment& deployment) {
  std::string text;
  for (const auto& share : deployment.versions) {
    if (!text.empty()) text += ", ";
    text += share.version + " at " + std::to_string(static_cast<int>(share.percent)) + "%";
  }
  return sanitize(text + " (deployment " + deployment.id + ")", 300);
}

Result<Standing> standing_of(const std::vector<CloudflareDeployment>& deployments,
                             const rules::Order& order) {
  const auto* rollback = std::get_if<rules::RollBack>(&order.action);
  if (rollback == nullptr) {
    return Error{Error::Kind::invalid, "Cloudflare can only roll versions back"};
  }
  const std::string mark = mark_of(order);
  const CloudflareDeployment& live = deployments.front();
  const bool has_target = live.percent_of(rollback->target) >= 100;
  const auto ours =
      std::find_if(deployments.begin(), deployments.end(), [&](const CloudflareDeployment& one) {
        return one.message.compare(0, mark.size(), mark) == 0;
      });
  if (ours != deployments.end() && has_target) {
    const auto replaced = ours + 1;
    std::string detail = shown(live);
    if (replaced != deployments.end() && replaced->percent_of(rollback->expected) <= 0) {
      detail += "; raced: it replaced a deployment that was not judged: " + shown(*replaced);
    }
    return Standing{Standing::Kind::ours, detail};
  }
  if (ours != deployments.end()) {
    return Standing{Standing::Kind::other, "after our rollback someone deployed " + shown(live)};
  }
  if (has_target) return Standing{Standing::Kind::target, shown(live)};
  const bool is_expected = live.percent_of(rollback->expected) > 0;
  return Standing{is_expected ? Standing::Kind::expected : Standing::Kind::other, shown(live)};
}

}  // namespace belay::monitor
