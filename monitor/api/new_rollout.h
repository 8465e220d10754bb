#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "monitor/api/body.h"
#include "monitor/api/call.h"
#include "rules/event.h"

namespace belay::monitor {

/// Why a gate that judges by itself begins nothing else.
Problem gate_begins_nothing();
/// What a request says of one rollout; the caller adds its id and when it begins.
rules::RolloutStarted read_new_rollout(Body& body, const ApiParts& parts);

/// All that makes two requests the same, but for who sent them.
std::string meaning_of(const rules::RolloutStarted& started);

/// What the key alone decides of an id.
inline constexpr std::size_t kKeyBytesOfId = 18;
/// In a UUID's shape (version 8). Half of it comes from the key and half from what is asked for: so
/// a repeat is known by its id alone, whatever was restarted in between, and so is another request
/// under the same key.
std::string rollout_id(const std::string& key, const std::string& meaning);

/// The Idempotency-Key of a request, or one that nobody else has; nothing if it is too long.
std::optional<std::string> key_of(const Call& call);

}  // namespace belay::monitor
