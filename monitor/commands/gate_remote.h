#pragma once

#include "monitor/commands/gate_arguments.h"

namespace belay::monitor {

/// The gate of a running daemon: begins the rollout there, shows what happens to it, and waits for
/// its end. The daemon alone judges and acts, whatever becomes of us.
int gate_remotely(const GateArguments& arguments);

}  // namespace belay::monitor
