#include "monitor/api/access.h"

#include <algorithm>

#include "base/ascii_case.h"

namespace belay::monitor {
namespace {

using Kind = Problem::Kind;

/// "localhost:8080" -> "localhost"; "[::1]:8080" -> "[::1]".
std::string_view host_of(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  return has_port ? authority.substr(0, colon) : authority;
}

bool is_loopback_name(std::string_view authority) {
  const std::string_view host = host_of(authority);
  if (equal_ignoring_case(host, "localhost")) return true;
  const auto address = net::ListenAddress::parse(std::string(host) + ":1");
  return address && address->is_loopback;
}

}  // namespace

std::optional<Problem> Access::stranger(const net::Incoming& request) const {
  const std::string_view host = request.header("host").value_or("");
  if (is_loopback_ && !is_loopback_name(host)) {
    return Problem{Kind::host_refused,
                   "a listener on loopback is asked for as localhost or 127.0.0.1"};
  }
  const auto origin = request.header("origin");
  const bool is_own = origin && (*origin == "http://" + std::string(host) ||
                                 *origin == "https://" + std::string(host));
  if (origin && !is_own) {
    return Problem{Kind::origin_refused, "the Origin is not this listener's own"};
  }
  return std::nullopt;
}

std::variant<Caller, Problem> Access::caller_of(const net::Incoming& request) const {
  if (std::optional<Problem> problem = stranger(request)) return *std::move(problem);
  const std::optional<std::string_view> given = net::bearer_token(request);
  if (!given) return Caller{.may_read = is_loopback_};
  const Token* known = nullptr;
  for (const Token& token : tokens_) {
    if (token.hashed.matches(*given)) known = &token;
  }
  if (known == nullptr) {
    return Problem{Kind::token_wrong, "send `Authorization: Bearer` and one of the `tokens`"};
  }
  return Caller{.name = known->name,
                .may_read = known->may_read || known->may_gate || is_loopback_,
                .may_gate = known->may_gate};
}

std::optional<Problem> Access::objection(const Caller& caller, Scope needed) {
  if (needed == Scope::gate ? caller.may_gate : caller.may_read) return std::nullopt;
  if (caller.name.empty()) {
    return Problem{Kind::token_needed,
                   needed == Scope::gate
                       ? "every change needs a token with the scope `gate`, on loopback too"
                       : "off loopback, reading needs a token with the scope `read` or `gate`"};
  }
  const char* scope = needed == Scope::gate ? "gate" : "read";
  return Problem{Kind::scope_missing, "the token " + caller.name + " lacks the scope " + scope};
}

}  // namespace belay::monitor
