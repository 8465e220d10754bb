#include "monitor/api/api.h"

#include <algorithm>
#include <utility>

#include "base/ascii_case.h"
#include "net/digest.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using Kind = Problem::Kind;

constexpr std::size_t kSegmentBytesMax = 200;
constexpr std::size_t kRequestIdBytesMax = 64;
/// Headers that decide: of two, we and what stands before us might each believe another one.
constexpr const char* kOnce[] = {"Host", "Authorization", "Idempotency-Key", "Content-Type",
                                 "Origin"};

bool has_twice(const net::Incoming& request, std::string_view name) {
  return std::ranges::count_if(request.headers, [name](const net::Header& header) {
           return equal_ignoring_case(header.name, name);
         }) > 1;
}

/// Percent-decoded; nothing for a broken one, for control characters, and for what is too long.
std::optional<std::string> decoded(std::string_view text) {
  std::optional<std::string> plain = net::percent_decoded(text);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (!plain || plain->size() > kSegmentBytesMax || std::ranges::any_of(*plain, is_control))
    return std::nullopt;
  return plain;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

/// What stands for each {…}; nothing if the path is another one.
std::optional<std::vector<std::string>> fit(std::string_view pattern, std::string_view path) {
  const auto wanted = segments_of(pattern);
  const auto given = segments_of(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].starts_with('{')) {
      if (wanted[i] != given[i]) return std::nullopt;
      continue;
    }
    std::optional<std::string> value = decoded(given[i]);
    if (!value || value->empty()) return std::nullopt;
    values.push_back(*std::move(value));
  }
  return values;
}

std::string request_id_of(const net::Incoming& request) {
  const std::string_view given = request.header("x-request-id").value_or("");
  const bool is_plain = std::ranges::all_of(given, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
  if (!given.empty() && given.size() <= kRequestIdBytesMax && is_plain) return std::string(given);
  return net::random_hex(16);
}

/// The headers that every answer has, now or later.
net::Outgoing dressed(net::Outgoing answer, const std::string& request_id) {
  if (answer.later) {
    answer.later = [later = std::move(answer.later), request_id]() -> std::optional<net::Outgoing> {
      std::optional<net::Outgoing> made = later();
      if (!made) return std::nullopt;
      return dressed(*std::move(made), request_id);
    };
    return answer;
  }
  answer.headers.push_back({"X-Request-Id", request_id});
  answer.headers.push_back({"Cache-Control", "no-store"});
  answer.headers.push_back({"X-Content-Type-Options", "nosniff"});
  answer.headers.push_back({"Content-Security-Policy", "default-src 'none'"});
  return answer;
}

}  // namespace

std::optional<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decoded(pair.substr(0, equals));
    const auto value = decoded(equals < pair.size() ? pair.substr(equals + 1) : "");
    if (!name || !value || !values.emplace(*name, *value).second) return std::nullopt;
  }
  return values;
}

net::ListenerLimits api_limits() {
  return {.connections_max = 256,
          .header_bytes_max = 16 * 1024,
          .body_bytes_max = 1024 * 1024,
          .inflated_bytes_max = 1024 * 1024};
}

Api::Api(const Newest& newest, ApiParts parts, Access access)
    : access_(std::move(access)), context_{newest, std::move(parts)} {}

net::Outgoing Api::answer(const net::Incoming& request) {
  const std::string request_id = request_id_of(request);
  return dressed(admit(request, request_id), request_id);
}

net::Outgoing Api::admit(const net::Incoming& request, const std::string& request_id) {
  const auto refuse = [&](const Problem& problem) { return answer_of(problem, request_id); };
  for (const char* name : kOnce) {
    if (has_twice(request, name)) {
      return refuse({Kind::bad_request, std::string(name) + " may be there once"});
    }
  }
  std::variant<Caller, Problem> asking = access_.caller_of(request);
  if (const auto* problem = std::get_if<Problem>(&asking)) return refuse(*problem);
  auto& caller = std::get<Caller>(asking);
  Matched matched = match(request);
  // Strangers do not learn which paths there are.
  const Scope needs = matched.route != nullptr ? matched.route->needs : Scope::read;
  if (const auto problem = Access::objection(caller, needs)) return refuse(*problem);
  if (matched.route == nullptr && matched.allowed.empty()) {
    return refuse({Kind::not_found, "/openapi.json lists what there is"});
  }
  if (matched.route == nullptr) {
    net::Outgoing answer = refuse({Kind::method_not_allowed, "this path takes " + matched.allowed});
    answer.headers.push_back({"Allow", matched.allowed});
    return answer;
  }
  auto query = parse_query(request.query);
  if (!query) return refuse({Kind::bad_request, "the query cannot be read"});
  for (const auto& [name, value] : *query) {
    const auto& known = matched.route->query;
    if (std::ranges::find(known, name) != known.end()) continue;
    return refuse({Kind::bad_request, "there is no parameter " + name + " here"});
  }
  const bool is_fixed = matched.route->answer == &show_openapi;
  if (!is_fixed && context_.newest.published() == nullptr) {
    return refuse({Kind::not_ready, "the engine has not published yet"});
  }
  return matched.route->answer({request, std::move(caller), request_id, std::move(matched.path),
                                *std::move(query), context_});
}

Api::Matched Api::match(const net::Incoming& request) {
  const std::string_view given = request.method;
  const std::string_view method = given == "HEAD" ? "GET" : given;
  Matched matched;
  for (const Route& route : routes()) {
    auto path = fit(route.path, request.path);
    if (!path) continue;
    if (route.method == method) {
      matched.route = &route;
      matched.path = *std::move(path);
      break;
    }
    if (!matched.allowed.empty()) matched.allowed += ", ";
    matched.allowed += route.method;
  }
  return matched;
}

}  // namespace belay::monitor
