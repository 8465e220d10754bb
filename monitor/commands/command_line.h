#pragma once

namespace belay::monitor {

/// Reads the arguments, runs the verb they name and returns its exit code (exit_code.h).
int run_command_line(int argc, char** argv);

}  // namespace belay::monitor
