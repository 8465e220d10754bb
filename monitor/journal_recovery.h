#pragma once

#include "base/result.h"
#include "base/time.h"
#include "monitor/journal.h"
#include "monitor/sqlite.h"

namespace belay::monitor {

/// What the engine must know at start (rules::Remembered), found in the journal's table. Fails if
/// anything that is still open cannot be read: whoever forgot it might do it twice.
Result<Journal::Recovered> recover_from(Database& database, Instant now);

}  // namespace belay::monitor
