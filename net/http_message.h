#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_listener.h"

namespace belay::net {

/// "Not Found" for 404; for a status that has no name here, "Status".
std::string_view reason_phrase(int status);

/// A plain answer of the listener's own.
Outgoing plain_answer(int status, std::string_view text);

/// The head of a response, its empty line included. An answer whose headers would break it apart is
/// a bug of ours or hostile text in a header: nothing.
std::optional<std::string> head_of(const Outgoing& answer, bool keep_alive);

/// Puts the request's target apart into path and query; "http://host/x" as proxies send it counts
/// as "/x". False: not a target of a request to us.
bool split_target(std::string_view target, Incoming& request);

/// Why a request cannot be read, and the status that says so.
struct Refused {
  int status = 400;
  std::string why;
};
/// Inflates the body if it is encoded.
std::optional<Refused> decode_body(Incoming& request, std::size_t inflated_bytes_max);

}  // namespace belay::net
