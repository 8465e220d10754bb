#pragma once

#include <string>

namespace belay::test {

/// A file of rules with one, "errors", that fires by five failed requests within the hour.
inline constexpr const char* kErrorRule = R"(rules:
  - name: errors
    when: error rate > 20% over 1h, min 5 requests
    then: alert
)";

/// So many requests of the service "shop" that end now, as its log has them.
std::string shop_requests(int count, int status);

}  // namespace belay::test
