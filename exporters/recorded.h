#pragma once

#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "rules/judgement/verdict.h"
#include "rules/order.h"
#include "rules/rollout/lost_evidence.h"

namespace belay::exporters {

/// What the journal keeps for people (rules/order.h, rules/rollout/judged_text.h), read back. What
/// is missing or of another type is as if it had not been written: it is told, never acted upon.

struct Judged {
  std::vector<rules::RuleStatus> rules;
};
/// `judged`: an entry of that kind.
Judged judged_in(const rules::JournalEntry& judged);
/// `lost`: an entry of the kind evidence_lost.
rules::LostEvidence::Spell lost_in(const rules::JournalEntry& lost);
/// Of an array of {"version", "percent"} under `key` of an object.
std::vector<rules::Deployment::Share> shares_in(const nlohmann::json& object, const char* key);
/// Of "evidence" in an object.
std::vector<rules::Evidence> evidence_in(const nlohmann::json& object);

std::optional<rules::ActionOutcome::Phase> phase_named(std::string_view name);

}  // namespace belay::exporters
