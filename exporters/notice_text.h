#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/order.h"

namespace belay::exporters {

/// What a person types next, as templates: {service}, {candidate} and {baseline} are filled in. What
/// stands in [ ] goes where a name in it is not to be had.
struct ServiceCommands {
  std::string undo;  ///< Takes Belay's action back: "wrangler versions deploy {candidate}".
  std::string logs;  ///< Shows what happens: "wrangler tail my-worker[ --version-id {candidate}]".
};
using CommandsByService = std::map<std::string, ServiceCommands, std::less<>>;

/// Version ids come from logs, and people paste commands into a shell: what is not a plain id stays
/// a placeholder, or goes with its [ ].
std::string filled(std::string_view command, const rules::Notice& notice);

/// "Rule fires", "Rolled back": what happened, in two or three words.
std::string_view title_of(rules::Notice::Kind kind);

/// The evidence that the details do not tell themselves, one line each, then the details, without
/// what the headline tells already; sanitized.
std::vector<std::string> lines_of(const rules::Notice& notice);

/// "rule shop-5xx · candidate v2 · baseline v1 · 2026-11-20T13:45:20.252Z"; sanitized.
std::string origin_of(const rules::Notice& notice);

}  // namespace belay::exporters
