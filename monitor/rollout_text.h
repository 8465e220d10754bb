#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "rules/order.h"

namespace belay::monitor {

/// What the journal's entries about rollouts hold (rules/order.h), read back. An Error means that
/// it cannot be used: a rollout that is not understood must not be forgotten either.

/// As it began: `pending`.
Result<rules::RememberedRollout> rollout_of(const rules::JournalEntry& started);

/// Puts what a rollout_moved or rollout_ended says into `rollout`.
Status follow(const rules::JournalEntry& moved, rules::RememberedRollout& rollout);

/// A rollout as its entries tell it, oldest first: how it began, and where it got to. An Error too
/// if its beginning is not among them.
Result<rules::RememberedRollout> known_rollout_of(const std::vector<rules::JournalEntry>& entries);

/// What a rollout_ended says to who counts them.
Result<rules::EndedRollout> ended_rollout_of(const rules::JournalEntry& ended);

Result<rules::Silenced> silenced_of(const rules::JournalEntry& silenced);

/// What the journal's table says of an entry besides the entry itself; empty for what does not
/// apply, or cannot be read.
struct RolloutMarks {
  std::string rollout;   ///< The id of the one that it is about.
  std::string promoted;  ///< The version that it says was promoted.
};
RolloutMarks rollout_marks_of(const rules::JournalEntry& entry);

}  // namespace belay::monitor
