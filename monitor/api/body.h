#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "monitor/api/problem.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// The JSON object of a request, read strictly: a field of another type, an empty or overlong text
/// and, at the end, a field that nobody asked for are problems. Reading goes on after the first,
/// which is kept. No body at all is an empty object.
class Body {
 public:
  explicit Body(const net::Incoming& request);

  static constexpr std::size_t kTextBytesMax = 200;

  /// The objects of an array, each read like a body of its own; their problems are keep()ed.
  std::vector<Body> objects(const char* name);
  /// Printable, and no longer.
  std::optional<std::string> text(const char* name, std::size_t bytes_max = kTextBytesMax);
  std::string require_text(const char* name);
  std::optional<bool> boolean(const char* name);
  /// "10m".
  std::optional<Duration> duration(const char* name);
  /// RFC 3339, or milliseconds since the Unix epoch.
  std::optional<Instant> instant(const char* name);
  /// Keeps a problem that the caller has found.
  void fault(const char* name, const std::string& what);
  void keep(const Problem& problem);

  /// Asked last.
  [[nodiscard]] std::optional<Problem> problem();

 private:
  Body(nlohmann::json object, std::string place)
      : object_(std::move(object)), place_(std::move(place)) {}
  const nlohmann::json* take(const char* name);
  nlohmann::json object_ = nlohmann::json::object();
  std::string place_;  // Before the name of a field: "rollouts[2].".
  std::vector<std::string> asked_;
  std::optional<Problem> problem_;
};

}  // namespace belay::monitor
