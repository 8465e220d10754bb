#pragma once

#include <string>

namespace belay::monitor {

/// The demo's own program, a child process: a shop on loopback with a real /healthz, two versions
/// behind a split of traffic, and a tail log in Cloudflare's format that grows as it is called. The
/// second version bears a tenth of the traffic well, and breaks two routes under half of it. Also
/// where the demo's Slack messages go.
///
///   GET  /healthz, /api/…          the shop
///   GET  /deployment               {"v1": 90, "v2": 10}
///   POST /deployment               the same, as JSON
///   POST /slack, GET /slack        what was posted, one a line
///
/// Prints its port as one line on standard output, then serves until it is killed. Returns only if
/// it cannot listen or write its log.
int serve_demo(const std::string& log_path);

}  // namespace belay::monitor
