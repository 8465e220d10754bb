#pragma once

#include <functional>
#include <optional>
#include <variant>

#include "monitor/api/call.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// Answers once the journal has been read. `next` is asked with what was found, and says what comes
/// of it: an answer, or another question. It is called on the listener's thread; what it needs from
/// `call` it must have copied. After five seconds without an answer the request is refused.
using AfterLook = std::function<std::variant<net::Outgoing, JournalLookup::Question>(
    const JournalLookup::Found& found)>;
net::Outgoing look_into_past(const Call& call, JournalLookup::Question first, AfterLook next);

}  // namespace belay::monitor
