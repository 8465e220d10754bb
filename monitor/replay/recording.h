#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "monitor/parse/log_parser.h"

namespace belay::monitor {

/// Reads a recording from its start to its end, in pieces that are good until the call returns: a
/// regular file is mapped, anything else (a pipe; "-" is the standard input) is read. `piece`
/// returns false to stop.
Status read_recording(const std::string& path, const std::function<bool(std::string_view)>& piece);

/// The line (from 1) at which the event number `event` (from 0) of this file ends. Nothing if the
/// file cannot be read a second time.
std::optional<std::uint64_t> line_of_event(const std::string& path, LogParserOptions options,
                                           std::uint64_t event);

}  // namespace belay::monitor
