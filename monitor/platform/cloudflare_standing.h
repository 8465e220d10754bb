#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/platform/cloudflare_reply.h"
#include "monitor/platform/platform.h"
#include "rules/order.h"

namespace belay::monitor {

/// What an order leaves behind in the message of its deployment, at the beginning.
std::string mark_of(const rules::Order& order);

/// What gets traffic, and how much of it.
using Shares = std::vector<CloudflareDeployment::Share>;

/// What an order makes live. Fails for what Cloudflare cannot do.
Result<Shares> target_of(const rules::Order& order);

/// Where the world stands in respect of an order, by the deployments of its Worker: the live one
/// first, at least one. Fails for what Cloudflare cannot do.
Result<Standing> standing_of(const std::vector<CloudflareDeployment>& deployments,
                             const rules::Order& order);

/// For people: "V1 at 90%, V2 at 10% (deployment D)".
std::string shown(const CloudflareDeployment& deployment);

}  // namespace belay::monitor
