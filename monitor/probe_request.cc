#include "monitor/probe_request.h"

#include <chrono>

namespace belay::monitor {

net::HttpRequest request_of(const ProbeConfig& probe) {
  net::HttpRequest request{.method = probe.method,
                           .url = probe.url,
                           .headers = headers_of(probe.headers),
                           .body = probe.body,
                           .deadline = std::chrono::ceil<std::chrono::milliseconds>(probe.timeout)};
  if (!probe.ca_file.empty()) request.ca_file = probe.ca_file;
  return request;
}

ProbeExpectation expectation_of(const ProbeConfig& probe) {
  return {.statuses = probe.statuses,
          .body_contains = probe.body_contains,
          .json_path = probe.json_path,
          .json_equals = probe.json_equals};
}

std::vector<net::Header> headers_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<net::Header> headers;
  for (const auto& [name, value] : pairs) headers.push_back({name, value});
  return headers;
}

}  // namespace belay::monitor
