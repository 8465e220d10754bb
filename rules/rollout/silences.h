#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/order.h"

namespace belay::rules {

/// Of which rules nothing is told for a while. What is done, and that it was done, is told anyway.
class Silences {
 public:
  explicit Silences(const std::vector<Silenced>& remembered);

  void silence(const Silenced& silenced);  ///< The newest word about a rule counts.
  /// Takes out what nobody wants to hear: that a silenced rule fires, clears, or would act.
  void drop_silent(std::vector<Notice>& notices, Instant now) const;
  /// Those that a service has now, by rule.
  [[nodiscard]] std::vector<Silenced> of_service(const std::string& service, Instant now) const;

 private:
  [[nodiscard]] bool is_silent(const Notice& notice, Instant now) const;

  std::map<std::pair<std::string, std::string>, Silenced> by_rule_;  // Service, rule.
};

}  // namespace belay::rules
