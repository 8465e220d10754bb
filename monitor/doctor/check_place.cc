#include "monitor/doctor/check_place.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <sys/timex.h>

#include "base/sanitize.h"
#include "monitor/state_directory.h"

namespace belay::monitor {
namespace {

using Level = Finding::Level;

// The journal's reserve, and room for some hundred thousand records.
constexpr std::uintmax_t kFreeBytesMin = 256ULL * 1024 * 1024;

Finding check_room(const std::filesystem::path& state) {
  std::error_code code;
  std::filesystem::path place = state;
  while (!std::filesystem::exists(place, code) && place.has_relative_path()) {
    place = place.parent_path();
  }
  const std::filesystem::space_info room = std::filesystem::space(place, code);
  if (code) return {Level::unknown, "", "state", "its free space is not known: " + code.message()};
  const double mebibytes = static_cast<double>(room.available) / (1024.0 * 1024.0);
  const bool is_enough = room.available >= kFreeBytesMin;
  return {is_enough ? Level::fine : Level::weak, "", "state",
          fmt::format("{:.0f} MiB are free{}", mebibytes,
                      is_enough ? "" : ": nothing is acted upon once the disk is full")};
}

Finding check_clock() {
  timex clock{};
  const int state = ::adjtimex(&clock);
  if (state < 0) return {Level::unknown, "", "clock", "the kernel does not tell how it runs"};
  if (state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0) {
    return {Level::weak, "", "clock",
            "the kernel does not know it to be synchronised: events from the future are refused"};
  }
  return {Level::fine, "", "clock", "is synchronised"};
}

}  // namespace

Findings check_place(const Config& config) {
  Findings found;
  const Result<StateStanding> state = examine_state(config.state);
  if (!state.ok()) {
    found.push_back({Level::bad, "", "state", sanitize(state.error().message, 300)});
  } else if (!state->holder.empty()) {
    found.push_back({Level::fine, "", "state",
                     config.state.string() + " is held by a running Belay, " + state->holder});
  } else if (!state->exists) {
    found.push_back({Level::fine, "", "state", config.state.string() + " will be made"});
  } else {
    found.push_back({Level::fine, "", "state", config.state.string() + " is ours alone"});
  }
  found.push_back(check_room(config.state));
  found.push_back(check_clock());
  return found;
}

}  // namespace belay::monitor
