#include "monitor/sources/probe_check.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using nlohmann::json;
using rules::ProbeFailure;

constexpr std::size_t kShownBytesMax = 120;

const json* member(const json& parent, std::string_view name) {
  if (parent.is_object()) {
    const auto found = parent.find(std::string(name));
    return found == parent.end() ? nullptr : &*found;
  }
  std::size_t index = 0;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_index = fault == std::errc{} && end == name.data() + name.size();
  return parent.is_array() && is_index && index < parent.size() ? &parent.at(index) : nullptr;
}

ProbeFinding failed(ProbeFailure failure, std::string detail) {
  return {.failure = failure, .detail = std::move(detail)};
}

bool is_expected_status(int status, const std::vector<int>& statuses) {
  if (statuses.empty()) return status >= 200 && status <= 299;
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

}  // namespace

std::optional<std::string> json_scalar(std::string_view text, std::string_view path) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return std::nullopt;
  const json* at = &document;
  while (at != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    at = member(*at, path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  if (at == nullptr || at->is_structured()) return std::nullopt;
  if (at->is_string()) return at->get<std::string>();
  return at->dump(-1, ' ', false, json::error_handler_t::replace);
}

ProbeFinding check_answer(const net::HttpResponse& response, const ProbeExpectation& expectation) {
  if (!is_expected_status(response.status, expectation.statuses)) {
    return failed(ProbeFailure::status, "status " + std::to_string(response.status));
  }
  const bool looks_at_body = !expectation.body_contains.empty() || !expectation.json_path.empty();
  if (!looks_at_body) return {};
  if (response.body.find(expectation.body_contains) == std::string::npos) {
    return failed(ProbeFailure::body, "the body does not contain \"" +
                                          sanitize(expectation.body_contains, kShownBytesMax) +
                                          "\"");
  }
  if (expectation.json_path.empty()) return {};
  if (response.truncated) return failed(ProbeFailure::body, "the body is too large to be read");
  const std::optional<std::string> found = json_scalar(response.body, expectation.json_path);
  if (found == expectation.json_equals) return {};
  const std::string where = sanitize(expectation.json_path, kShownBytesMax);
  if (!found) return failed(ProbeFailure::body, "no " + where + " in the body");
  return failed(ProbeFailure::body, where + " is \"" + sanitize(*found, kShownBytesMax) +
                                        "\", not \"" +
                                        sanitize(expectation.json_equals, kShownBytesMax) + "\"");
}

ProbeFinding check_fault(const net::HttpFault& fault) {
  using Kind = net::HttpFault::Kind;
  const auto failure_of = [](Kind kind) {
    switch (kind) {
      case Kind::dns:
        return ProbeFailure::dns;
      case Kind::refused:
        return ProbeFailure::refused;
      case Kind::tls:
        return ProbeFailure::tls;
      case Kind::timeout:
        return ProbeFailure::timeout;
      case Kind::protocol:
      case Kind::forbidden_address:
      case Kind::invalid:
      case Kind::stopped:
        break;
    }
    return ProbeFailure::other;
  };
  return failed(failure_of(fault.kind), fault.message);
}

}  // namespace belay::monitor
