#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/commands/gate_target.h"
#include "monitor/commands/terminal.h"
#include "monitor/config/config.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// What a gate is about to do, said before it does anything.
struct GatePreview {
  std::string rollout;  ///< Its id, for `belay report`; empty: not known yet.
  std::string mode;
  std::string service;
  std::string candidate;
  std::string baseline;  ///< Empty: none.
  bool is_baseline_found = false;
  std::string live;  ///< As GateTarget's.
  Duration lasts{};
  std::vector<std::pair<std::string, std::string>> rules;  ///< Name, and sentence with its `then`.
  /// The default judgement's, as `rules`; none if it does not judge.
  std::vector<std::pair<std::string, std::string>> default_rules;
  /// Those that the default judgement blames nobody for.
  std::vector<std::string> probes_of_nobody;
  std::vector<std::string> sources;
  std::string on_fail;  ///< One line.
  std::string beware;   ///< Why it may end unknown where a person would say fail; else empty.
  std::string state;
};

/// The service must be in the configuration. `mode`: in place of its own.
GatePreview preview_of(const Config& config, const std::string& service, const GateTarget& target,
                       Duration lasts, std::optional<rules::Mode> mode = std::nullopt);

std::string text_of(const GatePreview& preview, const Style& style);
nlohmann::ordered_json json_of(const GatePreview& preview);

/// How the rules stand, in one line: "✖ shop-5xx 31% (25 of 80) > 5% over 10s, 2 fine, 1 unknown".
std::string line_of(const rules::ServiceStatus& service);

}  // namespace belay::monitor
