#pragma once

namespace belay::monitor {

/// What the process says at its end; a contract with every script that calls us (README.md).
enum ExitCode : int {
  kExitPass = 0,
  kExitUsage = 2,
  kExitFail = 10,
  kExitRolledBack = 11,
  kExitUnknown = 12,
  kExitNotRecovered = 14,  ///< The rollback failed, or did not help.
  kExitSuperseded = 15,
  kExitUnavailable = 69,  ///< The state is in use by another process, or a port is taken.
  kExitConfiguration = 78,
  kExitInterrupted = 130,
};

/// "pass", "fail", "rolled back", …: the verdict in words.
constexpr const char* name_of(ExitCode code) {
  switch (code) {
    case kExitPass:
      return "pass";
    case kExitUsage:
      return "usage";
    case kExitFail:
      return "fail";
    case kExitRolledBack:
      return "fail, rolled back";
    case kExitUnknown:
      return "unknown";
    case kExitNotRecovered:
      return "fail, not recovered";
    case kExitSuperseded:
      return "superseded";
    case kExitUnavailable:
      return "unavailable";
    case kExitConfiguration:
      return "configuration";
    case kExitInterrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace belay::monitor
