#pragma once

#include <map>
#include <string>
#include <vector>

#include "exporters/latest.h"
#include "exporters/sink.h"

namespace belay::monitor {

/// The versions that probes aim at: those of a gate that runs, and while an action is done and
/// verified that leaves the candidate its traffic (a flag reset, a command).
class GateVersions : public exporters::Sink {
 public:
  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& /*notice*/) override {}

  /// Any thread. Candidate and baseline, as far as there is one; else empty.
  [[nodiscard]] std::vector<std::string> of(const std::string& service) const;

 private:
  using ByService = std::map<std::string, std::vector<std::string>>;
  exporters::Latest<ByService> versions_;
};

}  // namespace belay::monitor
