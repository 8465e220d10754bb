#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/names.h"
#include "rules/order.h"
#include "rules/rollout/blame.h"
#include "rules/rollout/guard.h"
#include "rules/rollout/swapped.h"
#include "rules/service.h"

namespace belay::rules {

/// How every rule that a rollout of `versions` is judged by stood on the whole service before the
/// candidate came: those of its rollouts, those that are always judged, its guards', called as
/// name_of_guarding() says, and last that of the default judgement, if it judges. One that says
/// nothing is unknown, and in it all the same. `watched_since`: when the engine began.
///
/// `known`: of a look at it before the candidate may have come; it is believed, but for what is
/// fine by now, and for what has turned bad since then without the candidate. Else empty.
std::vector<RuleBefore> rules_before(const Service& service, const std::vector<Guard>& guards,
                                     const NamedVersions& versions, Instant watched_since,
                                     const std::vector<RuleBefore>& known);

/// What `before` has of a rule, which is called `name` there.
Blame::Before before_in(const std::vector<RuleBefore>& before, const JudgedRule& rule,
                        const std::string& name);
/// What is in it of one of that name and sentence; else null.
const RuleBefore* find_before(const std::vector<RuleBefore>& before, const std::string& name,
                              const std::string& sentence);
/// As it stands in rules_before(), by what has become of it since.
RuleBefore as_kept(const JudgedRule& rule, const std::string& name, const Blame& blame);

}  // namespace belay::rules
