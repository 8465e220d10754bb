#pragma once

#include <string>

#include "rules/event.h"
#include "rules/order.h"

namespace belay::test {

inline constexpr const char* kGoodVersion = "11111111-1111-4111-8111-111111111111";
inline constexpr const char* kBadVersion = "22222222-2222-4222-8222-222222222222";

/// A UUID's shape, another one for each number.
std::string intent_id(int number);

rules::Order rollback_order(int number, Instant at, const std::string& service = "shop");

/// Entries as the engine writes them (rules/order.h).
rules::JournalEntry intent_entry(const rules::Order& order);
rules::JournalEntry outcome_entry(const std::string& intent, rules::ActionOutcome::Phase phase,
                                  Instant at, const std::string& service = "shop");
/// A rollout that began, and where it went from there; ids as intent_id().
rules::JournalEntry started_entry(int number, Instant at, const std::string& service = "shop");
rules::JournalEntry moved_entry(int number, rules::RolloutState state, Instant at,
                                const std::string& service = "shop");
rules::JournalEntry fired_entry(int number, Instant at);
/// A rule fired on what that rollout has promoted, or cleared on it.
rules::JournalEntry against_entry(int rollout, rules::JournalEntry::Kind kind, Instant at,
                                  const std::string& rule = "errors");

}  // namespace belay::test
