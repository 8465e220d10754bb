#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/redis.h"

namespace belay::monitor {

/// The value of "field:value" in what INFO says.
std::optional<std::string> info_field(std::string_view info, std::string_view field);

/// The server's run id: another one, another memory. Empty if it does not say.
Result<std::string> read_run_id(net::RedisConnection& connection,
                                std::chrono::milliseconds deadline);

/// Fails (`unavailable`) on a replica without its master: before its first sync it answers 0 to
/// everything.
Status check_replication(net::RedisConnection& connection, std::chrono::milliseconds deadline);

/// The names of all queues under a prefix, sorted; by SCAN, which never blocks the server. More
/// than `queues_max` is an error.
Result<std::vector<std::string>> discover_queues(net::RedisConnection& connection,
                                                 const std::string& prefix, std::size_t queues_max,
                                                 std::chrono::milliseconds deadline);

}  // namespace belay::monitor
