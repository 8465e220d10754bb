#pragma once

#include <map>
#include <string>
#include <vector>

#include "exporters/latest.h"
#include "exporters/sink.h"

namespace belay::monitor {

/// The versions that gates are judging just now, for probes that aim at each of them.
class GateVersions : public exporters::Sink {
 public:
  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& /*notice*/) override {}

  /// Any thread. Empty while no gate of the service runs.
  [[nodiscard]] std::vector<std::string> of(const std::string& service) const;

 private:
  using ByService = std::map<std::string, std::vector<std::string>>;
  exporters::Latest<ByService> versions_;
};

}  // namespace belay::monitor
