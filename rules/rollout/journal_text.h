#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/judgement/rollout_numbers.h"
#include "rules/judgement/verdict.h"
#include "rules/order.h"

namespace belay::rules {

/// Writes one flat JSON object, fields in the order they are given. Bytes that are not UTF-8 become
/// U+FFFD, so that the text is always JSON.
class JsonText {
 public:
  JsonText& field(std::string_view name, std::string_view value);
  JsonText& field(std::string_view name, const char* value) {
    return field(name, std::string_view(value));
  }
  JsonText& field(std::string_view name, std::int64_t value);
  JsonText& field(std::string_view name, bool value);
  JsonText& field(std::string_view name, double value);
  JsonText& field(std::string_view name, const std::vector<Deployment::Share>& shares);
  JsonText& field(std::string_view name, const std::vector<std::string>& values);
  JsonText& field(std::string_view name, const std::vector<TopFailure>& failures);
  /// As order.h describes them for a rollout.
  JsonText& field(std::string_view name, const std::vector<RuleBefore>& rules);
  JsonText& field(std::string_view name, const std::map<std::string, double>& depths);
  JsonText& field(std::string_view name, const RolloutNumbers& numbers);
  /// An array of objects, as order.h describes them for an intent.
  JsonText& field(std::string_view name, const std::vector<Evidence>& evidence);
  [[nodiscard]] std::string take() const { return text_ + "}"; }

 private:
  void name(std::string_view name);
  std::string text_ = "{";
};

/// The entry of an order, from which it can be made again.
JournalEntry intent_entry(const Order& order, const std::string& candidate,
                          const std::string& baseline);

/// "rollback", "reset_flag", "run", "move": how journal, snapshot and metrics call an action.
const char* kind_of(const Order& order);

}  // namespace belay::rules
