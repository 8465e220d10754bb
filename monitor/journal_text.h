#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "rules/order.h"

namespace belay::monitor {

/// What JournalEntry::text holds (rules/order.h), read back. An Error means that it cannot be used:
/// whoever needed it must not act as if it had not been there.

/// Names the entry, and what of it cannot be used.
Error unreadable(const rules::JournalEntry& entry, const char* what);

Result<rules::Order> order_of(const rules::JournalEntry& intent);
Result<rules::Disarmed> disarmed_of(const rules::JournalEntry& disarmed);

/// What an outcome says that ends its action; nothing for another, or one that cannot be read.
std::optional<rules::ActionOutcome::Phase> final_phase_of(const rules::JournalEntry& outcome);

/// False too for a text that cannot be read: then the order counts as open, and is looked into.
bool is_final_outcome(const rules::JournalEntry& outcome);

/// "rollout_started", "intent", ...: how a kind is stored.
std::string_view name_of(rules::JournalEntry::Kind kind);
std::optional<rules::JournalEntry::Kind> journal_kind_of(std::string_view name);

}  // namespace belay::monitor
