#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rules/judgement/judged_rule.h"
#include "rules/judgement/service_evidence.h"
#include "rules/service.h"

namespace belay::rules {

class Rollout;

/// A caller of a service: while that rolls out, the caller's rules count for it as well.
struct Guard {
  std::string name;
  Service* service = nullptr;  ///< Null: there is no such service.
  const Rollout* rollout = nullptr;
};

/// The rules of a guard's own that count, each with what it reads. A guard that is no service has
/// none.
void for_each_guarding(const std::vector<Guard>& guards,
                       const std::function<void(const Guard& guard, const JudgedRule& own,
                                                const Binding& binding)>& visit);

/// How an action calls a guard's rule: "gateway:errors". No name of a rule has a colon.
std::string name_of_guarding(const std::string& guard, const std::string& rule);

}  // namespace belay::rules
