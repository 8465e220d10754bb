#pragma once

#include <string>
#include <utility>

namespace belay {

/// A token, password or webhook. Nothing formats it: a stream or a log line shows "***". Only the
/// code that puts it on the wire calls reveal().
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  /// For our own two, never for one that somebody sends: it takes as long as they are alike.
  bool operator==(const Secret&) const = default;
  [[nodiscard]] static const char* shown() { return "***"; }

 private:
  std::string value_;
};

template <typename Stream>
Stream& operator<<(Stream& out, const Secret& /*secret*/) {
  out << Secret::shown();
  return out;
}

}  // namespace belay
