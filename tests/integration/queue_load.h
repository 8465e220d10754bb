#pragma once

#include <string>
#include <vector>

namespace belay::test {

/// Runs bullmq-load.mjs with BullMQ 5 on the queue "mail" of this Redis, to its end; `more` are
/// further arguments. What it printed if it failed, else nothing.
std::string load_queue(const std::string& redis_url, const std::string& mode,
                       const std::vector<std::string>& more = {});

}  // namespace belay::test
