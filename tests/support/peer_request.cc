#include "tests/support/peer_request.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace belay::test {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

std::string PeerRequest::header(std::string_view name) const {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || lower(line.substr(0, colon)) != name) continue;
    const std::size_t begin = line.find_first_not_of(' ', colon + 1);
    const std::size_t end = line.find_last_not_of(" \r");
    return begin == std::string::npos || begin > end ? "" : line.substr(begin, end + 1 - begin);
  }
  return {};
}

std::optional<PeerRequest> read_request(PeerConnection& connection) {
  if (!connection.read_until(kHeadEnd)) return std::nullopt;
  PeerRequest request;
  const std::size_t body_at = connection.received().find(kHeadEnd) + kHeadEnd.size();
  request.head = connection.received().substr(0, body_at);
  std::istringstream(request.head) >> request.method >> request.target;
  const std::string length = request.header("content-length");
  const std::size_t body_bytes = length.empty() ? 0 : std::stoul(length);
  if (!connection.read_at_least(body_at + body_bytes)) return std::nullopt;
  request.body = connection.received().substr(body_at, body_bytes);
  return request;
}

}  // namespace belay::test
