#include "net/http_message.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii_case.h"
#include "net/gzip.h"
#include "net/http_syntax.h"

namespace belay::net {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 25> kReasons{{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
}};

}  // namespace

std::string_view reason_phrase(int status) {
  const auto found = std::find_if(kReasons.begin(), kReasons.end(),
                                  [status](const auto& each) { return each.first == status; });
  return found == kReasons.end() ? "Status" : found->second;
}

Outgoing plain_answer(int status, std::string_view text) {
  return Outgoing{.status = status, .body = std::string(text) + "\n"};
}

std::optional<std::string> head_of(const Outgoing& answer, bool keep_alive) {
  std::string head =
      "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(reason_phrase(answer.status));
  head += "\r\n";
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (answer.status < 100 || answer.status > 999 || !is_header_value(answer.content_type)) {
    return std::nullopt;
  }
  if (answer.status >= 200 && answer.status != 204) {
    if (!answer.stream) add("Content-Length", std::to_string(answer.body.size()));
    if (!answer.content_type.empty()) add("Content-Type", answer.content_type);
  }
  for (const Header& header : answer.headers) {
    if (!is_token(header.name) || !is_header_value(header.value)) return std::nullopt;
    add(header.name, header.value);
  }
  if (!keep_alive) add("Connection", "close");
  return head + "\r\n";
}

bool split_target(std::string_view target, Incoming& request) {
  if (const std::size_t scheme = target.find("://");
      scheme != std::string_view::npos && is_token(target.substr(0, scheme))) {
    const std::size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  if (!target.starts_with('/')) return false;
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  return true;
}

std::optional<Refused> decode_body(Incoming& request, std::size_t inflated_bytes_max) {
  const std::string_view encoding = request.header("Content-Encoding").value_or("");
  if (encoding.empty() || equal_ignoring_case(encoding, "identity")) return std::nullopt;
  if (!equal_ignoring_case(encoding, "gzip") && !equal_ignoring_case(encoding, "x-gzip")) {
    return Refused{415, "this Content-Encoding is not supported; gzip and none are"};
  }
  Result<std::string> inflated = gunzip(request.body, inflated_bytes_max);
  if (inflated) {
    request.body = std::move(inflated).value();
    return std::nullopt;
  }
  const int status = inflated.error().kind == Error::Kind::invalid ? 400 : 413;
  return Refused{status, "the body: " + inflated.error().message};
}

std::optional<std::string_view> Incoming::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const Header& header) {
    return equal_ignoring_case(header.name, name);
  });
  return found == headers.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

std::optional<std::string_view> bearer_token(const Incoming& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::optional<std::string_view> authorization = request.header("authorization");
  if (!authorization) return std::nullopt;
  const std::string_view scheme = authorization->substr(0, kScheme.size());
  if (!equal_ignoring_case(scheme, kScheme)) return std::string_view{};
  return authorization->substr(kScheme.size());
}

}  // namespace belay::net
