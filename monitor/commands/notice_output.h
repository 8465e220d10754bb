#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "monitor/commands/terminal.h"
#include "rules/order.h"

/// How notices and evidence look on standard output: the same in replay, gate and demo.
namespace belay::monitor {

/// "5xx rate 12.4% (31 of 250) > 5% over 1m"
std::string line_of(const rules::Evidence& evidence);

/// One line, and an indented one for each piece of evidence and each detail. Ends in a line break.
std::string text_of(const rules::Notice& notice, const Style& style);

/// As exporters/json.h has it, with `t` in front: seconds since `start`.
nlohmann::ordered_json json_of(const rules::Notice& notice, Instant start);

}  // namespace belay::monitor
