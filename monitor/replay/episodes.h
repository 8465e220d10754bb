#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/time.h"
#include "rules/engine.h"

namespace belay::monitor {

/// From when to when a rule fired.
struct Episode {
  Instant fired{};
  std::optional<Instant> cleared;  ///< None: it fired to the end.
  bool operator==(const Episode&) const = default;
};

/// When each rule fired in a replay, by service and rule.
class Episodes {
 public:
  void take(const rules::Step& step);
  [[nodiscard]] const std::vector<Episode>& of(const std::string& service,
                                               const std::string& rule) const;

 private:
  friend std::vector<struct RuleBeside> beside(const Episodes& a, const Episodes& b);
  std::map<std::pair<std::string, std::string>, std::vector<Episode>> by_rule_;
};

/// One rule in two replays of the same recording.
struct RuleBeside {
  std::string service;
  std::string rule;
  std::vector<Episode> a;
  std::vector<Episode> b;
  [[nodiscard]] bool differs() const { return a != b; }
};

/// Every rule that fired in one of the two, sorted by service and rule.
std::vector<RuleBeside> beside(const Episodes& a, const Episodes& b);

/// "fired 10:00:01Z to 10:03:00Z; …", "never fired".
std::string text_of(const std::vector<Episode>& episodes);
nlohmann::ordered_json json_of(const RuleBeside& rule);

}  // namespace belay::monitor
