#pragma once

#include <string>

namespace belay::monitor {

struct DemoOptions {
  bool stay = false;  ///< Keep everything serving after the story, until SIGINT or SIGTERM.
  std::string metrics = "127.0.0.1:0";
};

/// Plays the story in the terminal: a good version, a bad one that Belay gives its traffic step by
/// step, what Belay finds and does, whether it helped, and the report. The exit code is 0 only if
/// the bad version was found, rolled back, and the shop seen to recover; 69 if this machine would
/// not let it be played, 12 if it was too slow for it.
int tell_demo(const DemoOptions& options);

}  // namespace belay::monitor
