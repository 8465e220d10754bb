#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "rules/order.h"

namespace belay::exporters {

/// What an entry of the journal says, in one line for people; sanitized. The same in `belay
/// history` and in the timeline of a report. Empty for an entry that cannot be read.
std::string words_of(const rules::JournalEntry& entry);
/// Whether a notice says what no other entry does: what was not done, and why.
bool tells_more(const rules::JournalEntry& notice);
/// When, where, about what, those words, and under "entry" the kind's own fields.
nlohmann::ordered_json json_of(const rules::JournalEntry& entry);

}  // namespace belay::exporters
