#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace belay {

/// Why something in the world did not work: one sentence that says what happened, where, and what
/// to do. Never holds a secret. `kind` is for code that must tell faults apart; people read
/// `message`.
struct Error {
  enum class Kind {
    failed,       ///< It was tried and refused; the world did not change.
    invalid,      ///< What we were given cannot be used (configuration, arguments, input).
    unavailable,  ///< The other side cannot be reached; nothing was sent.
    ambiguous,    ///< It may or may not have happened: read before anything is tried again.
    timeout,      ///< The deadline passed before anything was sent.
    not_found,
    conflict,   ///< Someone else changed it meanwhile.
    throttled,  ///< The other side asks for patience (HTTP 429).
  };
  Kind kind = Kind::failed;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after;  ///< Of `throttled`: what it asked for.
};

/// A value, or why there is none. Reading the wrong one is a bug and ends the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    BELAY_CHECK(ok(), "value of a failed Result");
    return std::get<0>(state_);
  }
  const T& value() const& {
    BELAY_CHECK(ok(), "value of a failed Result");
    return std::get<0>(state_);
  }
  T&& value() && {
    BELAY_CHECK(ok(), "value of a failed Result");
    return std::get<0>(std::move(state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  [[nodiscard]] const Error& error() const {
    BELAY_CHECK(!ok(), "error of a successful Result");
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

/// For work that yields nothing but may fail: `return Done{};`
struct Done {};
using Status = Result<Done>;

}  // namespace belay
