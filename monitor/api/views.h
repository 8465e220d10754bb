#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "rules/snapshot.h"

namespace belay::monitor {

/// What the API shows of the snapshot, besides exporters/json.h.

/// A service without its traffic (hundreds of series, and numbers that change all the time) and
/// without what its rollout says itself.
nlohmann::ordered_json service_view(const rules::ServiceStatus& service);
/// With `result` and `exit_code` (monitor/rollout_result.h) once it is over.
nlohmann::ordered_json rollout_view(const rules::RolloutStatus& rollout);
/// With `disarmed_until_ms` as well, while it goes on and no action may be taken on its service.
nlohmann::ordered_json rollout_view(const rules::RolloutStatus& rollout,
                                    const rules::Snapshot& snapshot);
nlohmann::ordered_json sources_view(const rules::Snapshot& snapshot);

/// Changes when the rollout moves: its state, its step, a rule that changes its mind, an action.
/// Not when only numbers change. Fit for an ETag, quotes included.
std::string etag_of(const rules::RolloutStatus& rollout);

/// By its name, or by an alias that is no other's name. Null if there is none.
const rules::ServiceStatus* service_of(const rules::Snapshot& snapshot, const std::string& name);
const rules::RolloutStatus* rollout_of(const rules::Snapshot& snapshot, const std::string& id);

}  // namespace belay::monitor
