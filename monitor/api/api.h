#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "monitor/api/access.h"
#include "monitor/api/call.h"
#include "monitor/api/routes.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// /api/v1 (docs/api.md): turns requests into events for the engine, and answers from what it has
/// published. It decides nothing and blocks nowhere. The listener's thread alone calls answer();
/// what `parts` and `newest` are made of outlives the listener.
class Api {
 public:
  Api(const Newest& newest, ApiParts parts, Access access);

  net::Outgoing answer(const net::Incoming& request);

 private:
  struct Matched {
    const Route* route = nullptr;
    std::vector<std::string> path;
    std::string allowed;  ///< The methods of this path, where none fits.
  };
  static Matched match(const net::Incoming& request);
  net::Outgoing admit(const net::Incoming& request, const std::string& request_id);

  const Access access_;
  ApiContext context_;
};

/// The limits of the API's listener.
net::ListenerLimits api_limits();

/// Splits "a=b&c=d" and decodes it; nothing for what is not that.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view query);

}  // namespace belay::monitor
