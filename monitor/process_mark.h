#pragma once

#include <chrono>
#include <string>
#include <utility>

namespace belay::monitor {

/// A variable that no other process has in its environment: whatever a program starts inherits it,
/// whichever process group or session it goes to.
std::pair<std::string, std::string> make_process_mark();

/// Ends all processes with this mark but our own: SIGTERM, and SIGKILL after `grace`. One that
/// throws its environment away, or that belongs to another user, is not found.
void end_marked(const std::pair<std::string, std::string>& mark, std::chrono::milliseconds grace);

}  // namespace belay::monitor
