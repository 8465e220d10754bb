#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "monitor/commands/terminal.h"
#include "monitor/replay/replay.h"

namespace belay::monitor {

/// "120 documents, 118 used, 2 rejected (2 not_json); 1m from 2026-…". Ends in a line break.
std::string documents_text(const Replay::Summary& summary, const Style& style);
nlohmann::ordered_json summary_json(const Replay::Summary& summary);

}  // namespace belay::monitor
