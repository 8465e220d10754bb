#pragma once

#include <optional>

#include "rules/language/cursor.h"
#include "rules/language/syntax.h"

namespace belay::rules {

/// The parts of a comparison, read from the cursor. Nothing means that a fault has been reported
/// and that the cursor stands at it.

/// [ "candidate" | "baseline" ] [ subject ] measure [ labels ]
std::optional<SyntaxMetric> read_metric(Cursor& cursor);

/// term [ ( "+" | "-" ) term ] [ "over" DURATION ]
std::optional<SyntaxSide> read_side(Cursor& cursor);
/// The same, when its first term has been read.
std::optional<SyntaxSide> read_side_after(Cursor& cursor, SyntaxTerm first);

std::optional<SyntaxTerm> read_term(Cursor& cursor);

}  // namespace belay::rules
