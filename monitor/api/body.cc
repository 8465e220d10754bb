#include "monitor/api/body.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/ascii_case.h"
#include "base/sanitize.h"
#include "base/suggest.h"
#include "net/http_syntax.h"

namespace belay::monitor {
namespace {

using nlohmann::json;
using Kind = Problem::Kind;

/// Ours are flat.
constexpr int kDepthMax = 4;

bool is_json(const net::Incoming& request) {
  std::string_view type = request.header("content-type").value_or("");
  type = net::trimmed(type.substr(0, type.find(';')));
  return equal_ignoring_case(type, "application/json");
}

/// Nothing for what is no JSON, is nested too deep, or names a field twice: the last one would win
/// without a word.
std::optional<json> parse(const std::string& text) {
  bool is_fine = true;
  std::array<std::set<std::string>, kDepthMax + 2> names;  // By depth, of the object that is read.
  const auto look = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > kDepthMax) is_fine = false;
    if (!is_fine) return false;
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) names[level + 1].clear();
    if (event == json::parse_event_t::key)
      is_fine = names[level].insert(value.get<std::string>()).second;
    return is_fine;  // What is refused is not built.
  };
  json parsed = json::parse(text, look, false);
  if (!is_fine || parsed.is_discarded()) return std::nullopt;
  return parsed;
}

}  // namespace

Body::Body(const net::Incoming& request) {
  if (request.body.empty()) return;
  if (!is_json(request)) {
    problem_ = Problem{Kind::media_type, "send `Content-Type: application/json`"};
    return;
  }
  std::optional<json> parsed = parse(request.body);
  if (!parsed || !parsed->is_object()) {
    problem_ = Problem{Kind::bad_request, "the body is not one flat JSON object"};
    return;
  }
  object_ = *std::move(parsed);
}

const json* Body::take(const char* name) {
  asked_.emplace_back(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Body::fault(const char* name, const std::string& what) {
  if (problem_) return;
  const std::string field = place_ + name;
  problem_ = Problem{Kind::invalid, field + ": " + what, {{"field", field}}};
}

void Body::keep(const Problem& problem) {
  if (!problem_) problem_ = problem;
}

std::vector<Body> Body::objects(const char* name) {
  std::vector<Body> objects;
  const json* value = take(name);
  if (value == nullptr) return objects;
  if (!value->is_array()) fault(name, "a list should stand here");
  if (problem_) return objects;
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::string place = std::string(name) + "[" + std::to_string(i) + "]";
    if (!(*value)[i].is_object()) fault(place.c_str(), "an object should stand here");
    if (problem_) break;
    objects.push_back(Body((*value)[i], place + "."));
  }
  return objects;
}

std::optional<std::string> Body::text(const char* name, std::size_t bytes_max) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    fault(name, "a text should stand here");
    return std::nullopt;
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.empty() || text.size() > bytes_max || sanitize(text, bytes_max) != text) {
    fault(name, "a text here is printable, not empty, and at most " + std::to_string(bytes_max) +
                    " bytes long");
    return std::nullopt;
  }
  return text;
}

std::string Body::require_text(const char* name) {
  std::optional<std::string> value = text(name);
  if (!value) fault(name, "this field must be there");
  return value.value_or("");
}

std::optional<bool> Body::boolean(const char* name) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    fault(name, "true or false should stand here");
    return std::nullopt;
  }
  return value->get<bool>();
}

std::optional<Duration> Body::duration(const char* name) {
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  const std::optional<Duration> parsed = parse_duration(*value);
  if (!parsed) fault(name, "a duration is written 90s, 10m or 1h30m");
  return parsed;
}

std::optional<Instant> Body::instant(const char* name) {
  if (const auto found = object_.find(name); found != object_.end() && found->is_number_integer()) {
    asked_.emplace_back(name);
    const auto ms = found->get<std::int64_t>();
    // What a clock can be: nanoseconds in 64 bits end in the year 2262.
    if (ms >= 0 && ms < 9'000'000'000'000) return from_unix_ms(ms);
    fault(name, "this is no time of ours");
    return std::nullopt;
  }
  const std::optional<std::string> value = text(name);
  if (!value) return std::nullopt;
  const std::optional<Instant> parsed = parse_rfc3339(*value);
  if (!parsed) fault(name, "a time is written 2026-11-20T13:45:20Z, or as Unix milliseconds");
  return parsed;
}

std::optional<Problem> Body::problem() {
  if (problem_) return problem_;
  for (const auto& [name, value] : object_.items()) {
    if (std::ranges::find(asked_, name) != asked_.end()) continue;
    const std::vector<std::string_view> known(asked_.begin(), asked_.end());
    const auto meant = nearest(name, known);
    fault(sanitize(name, 60).c_str(),
          "there is no such field" +
              (meant ? "; did you mean " + std::string(*meant) + "?" : std::string{}));
  }
  return problem_;
}

}  // namespace belay::monitor
