#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "monitor/commands/terminal.h"
#include "monitor/replay/replay.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// What a rollout that is replayed without a baseline cannot say.
std::string without_baseline();

/// "120 documents, 118 used, 2 rejected (2 not_json); 1m from 2026-…". Ends in a line break.
std::string documents_text(const Replay::Summary& summary, const Style& style);
nlohmann::ordered_json summary_json(const Replay::Summary& summary);

/// How often each rule has fired, by service and rule.
using Fired = std::map<std::pair<std::string, std::string>, std::uint64_t>;

/// What was read, which rules fired, and how those stood at the end that never did: a rule that was
/// unknown all along has not found anything fine. `end`: none if nothing was judged.
std::string rules_text(const Replay::Summary& summary, const Fired& fired,
                       const std::optional<rules::Snapshot>& end, const Style& style);
/// Each rule as it stood at the end, and how often it had fired.
nlohmann::ordered_json rules_json(const Fired& fired, const std::optional<rules::Snapshot>& end);

}  // namespace belay::monitor
