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
  /// What was said last of one of which nobody knows yet whether it was done; else empty.
  [[nodiscard]] std::string unclear(const std::string& intent) const;
  void verified(const std::string& intent, Notice::Kind result);
  void tell(ServiceStatus& status) const;
  /// What is live, of what the platform was `read` to give to whom: a reading that is older than
  /// the outcome of the last rollback or move of traffic says what was before that.
  [[nodiscard]] const std::optional<Deployment>& live(const std::optional<Deployment>& read) const {
    return read && left_ && read->at < left_->at ? left_ : read;
  }

 private:
  void add(ActionStatus status);

  std::deque<ActionStatus> actions_;
  std::map<std::string, std::vector<Deployment::Share>> giving_;  // By intent, while open.
  std::optional<Deployment> left_;              // By the last that was done; `at`: of its outcome.
  std::map<std::string, std::string> unclear_;  // By intent, while that is so.
  std::map<std::string, std::uint64_t> totals_;
};

}  // namespace belay::rules
