#pragma once

namespace belay::monitor {

/// What the process says at its end; a contract with every script that calls us (README.md).
enum ExitCode : int {
  kExitPass = 0,
  kExitUsage = 2,
  kExitFail = 10,
  kExitRolledBack = 11,  ///< A version, or a flag was reset; and it helped.
  kExitUnknown = 12,
  kExitWaitsForApproval = 13,
  kExitNotRecovered = 14,  ///< The rollback failed, or did not help.
  kExitSuperseded = 15,    ///< Or aborted.
  kExitUnavailable = 69,   ///< No daemon, the state is in use by another process, a port is taken,
                           ///< or what the demo needs cannot be started.
  kExitConfiguration = 78,
  kExitTimeout = 124,
  kExitInterrupted = 130,
};

/// "pass", "fail", "fail, put back", …: the verdict in words.
constexpr const char* name_of(ExitCode code) {
  switch (code) {
    case kExitPass:
      return "pass";
    case kExitUsage:
      return "usage";
    case kExitFail:
      return "fail";
    case kExitRolledBack:
      return "fail, put back";
    case kExitUnknown:
      return "unknown";
    case kExitWaitsForApproval:
      return "waits for approval";
    case kExitNotRecovered:
      return "fail, not recovered";
    case kExitSuperseded:
      return "superseded";
    case kExitUnavailable:
      return "unavailable";
    case kExitConfiguration:
      return "configuration";
    case kExitTimeout:
      return "timeout";
    case kExitInterrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace belay::monitor
