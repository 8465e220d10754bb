#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "monitor/platform/platform.h"

namespace belay::monitor {

/// Which platform carries out which order. Filled before the threads start, then only read.
class Platforms {
 public:
  void add_rollback(std::string service, std::unique_ptr<Platform> platform);
  /// An empty service: for all services that have none of their own under that name.
  void add_flag(std::string service, std::string flag, std::unique_ptr<Platform> platform);
  void add_command(std::string service, std::string command, std::unique_ptr<Platform> platform);

  /// Null: nothing is configured for this order.
  [[nodiscard]] Platform* find(const rules::Order& order) const;
  /// The one that rolls this service back.
  [[nodiscard]] Platform* of_service(const std::string& service) const;

 private:
  using Named = std::map<std::pair<std::string, std::string>, std::unique_ptr<Platform>>;
  std::map<std::string, std::unique_ptr<Platform>> rollbacks_;  ///< By service.
  Named flags_;                                                 ///< By service and name.
  Named commands_;
};

}  // namespace belay::monitor
