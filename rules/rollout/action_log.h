#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/event.h"
#include "rules/order.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// The actions on one service, as the snapshot shows them: the last 20, and totals.
class ActionLog {
 public:
  void remember(const Remembered::Action& action);
  void begin(const Order& order);
  /// Nothing for one that is not shown any more.
  ActionStatus* find(const std::string& intent);
  [[nodiscard]] const ActionStatus* find(const std::string& intent) const;
  [[nodiscard]] std::string rule_of(const std::string& intent) const;
  void outcome(const ActionOutcome& outcome);
  void verified(const std::string& intent, Notice::Kind result);
  void tell(ServiceStatus& status) const;
  /// Who has the traffic since the last rollback or move of this life that was done; `at`: of its
  /// outcome. A reading of the platform that is older than that says what was before.
  [[nodiscard]] const std::optional<Deployment>& left() const { return left_; }

 private:
  void add(ActionStatus status);

  std::deque<ActionStatus> actions_;
  std::map<std::string, std::vector<Deployment::Share>> giving_;  // By intent, while open.
  std::optional<Deployment> left_;
  std::map<std::string, std::uint64_t> totals_;
};

}  // namespace belay::rules
