#pragma once

#include "monitor/config/config.h"
#include "monitor/sources/probe_check.h"
#include "net/http_client.h"

namespace belay::monitor {

/// The call that a configured probe makes, and what it expects: also asked once, by preflight and
/// by `belay doctor`. Without the headers that aim at a version.
net::HttpRequest request_of(const ProbeConfig& probe);
ProbeExpectation expectation_of(const ProbeConfig& probe);

std::vector<net::Header> headers_of(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace belay::monitor
