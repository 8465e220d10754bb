#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay::monitor {

/// One thing that a rollout will need, as it was found.
struct Finding {
  enum class Level : std::uint8_t {
    fine,
    note,     ///< Worth knowing; nothing has to be done.
    weak,     ///< Works, but not as well as it could: a rule that stays unknown, nobody is paged.
    unknown,  ///< Could not be found out.
    bad,      ///< Will not work before someone mends it.
  } level{};
  std::string service;  ///< Empty: of all of them.
  std::string about;    ///< "token", "source tail", "queue emails", "step 10%"
  std::string what;     ///< One line, harmless.
};

using Findings = std::vector<Finding>;

constexpr std::string_view name_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::fine:
      return "fine";
    case Finding::Level::note:
      return "note";
    case Finding::Level::weak:
      return "weak";
    case Finding::Level::unknown:
      return "unknown";
    case Finding::Level::bad:
      return "bad";
  }
  return "unknown";
}

/// The worst of them; fine if there are none.
Finding::Level worst_of(const Findings& findings);

}  // namespace belay::monitor
