#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "monitor/api/problem.h"
#include "monitor/config/config.h"
#include "net/digest.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// Who asks, and what for: the name is that of a token, empty without one.
struct Caller {
  std::string name;
  bool may_read = false;
  bool may_gate = false;
};

/// Who may ask the API for what. On loopback anyone may read; every change needs a token with the
/// scope `gate` wherever it comes from; off loopback so does reading, with `read` or `gate`. A
/// token that is not ours is refused even where none is needed.
///
/// Pages of other sites reach a loopback listener through the browser of whoever looks at them: an
/// `Origin` that is not our own is refused, and so is a `Host` that is no loopback name (a name
/// that was pointed at 127.0.0.1 afterwards: DNS rebinding).
class Access {
 public:
  struct Token {
    std::string name;
    net::HashedToken hashed;
    bool may_read = false;
    bool may_gate = false;
  };
  Access(std::vector<Token> tokens, bool is_loopback)
      : tokens_(std::move(tokens)), is_loopback_(is_loopback) {}

  /// Takes the time of all tokens, whichever it was.
  [[nodiscard]] std::variant<Caller, Problem> caller_of(const net::Incoming& request) const;
  /// Why the caller may not do this.
  [[nodiscard]] static std::optional<Problem> objection(const Caller& caller, Scope needed);

 private:
  [[nodiscard]] std::optional<Problem> stranger(const net::Incoming& request) const;
  std::vector<Token> tokens_;
  bool is_loopback_;
};

}  // namespace belay::monitor
