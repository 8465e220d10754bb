#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace belay::monitor {

/// What Cloudflare says of a token when it is asked with it.
struct TokenFacts {
  std::string status;  ///< "active", "disabled", "expired"
  std::optional<Instant> expires;
  /// The names of what it may do ("Workers Scripts Write"); nothing if it may not ask that.
  std::optional<std::vector<std::string>> rights;
};

/// Only reads. `account` for a token that belongs to an account instead of a person.
Result<TokenFacts> token_facts(const std::string& api, const std::string& account,
                               const Secret& token, const std::stop_token& stop = {});

}  // namespace belay::monitor
