#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "monitor/config/config.h"

namespace belay::monitor {

/// A risk that a configuration runs although it is valid.
struct Lint {
  bool is_error = false;
  std::string service;
  std::string message;
};

/// Rules that can never fire or are never judged, shares over a filtered tail (an error), services
/// without evidence, and what polling costs.
std::vector<Lint> lint(const Config& config);

/// The probes of a service whose answers do not tell which version gave them: the default judgement
/// blames nobody for these.
std::vector<std::string_view> probes_without_version(const Config& config,
                                                     const std::string& service);

}  // namespace belay::monitor
