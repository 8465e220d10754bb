#include "monitor/commands/wrangler_output.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using nlohmann::json;

std::string text_of(const json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

Error invalid(std::string message) {
  return Error{.kind = Error::Kind::invalid, .message = std::move(message)};
}

}  // namespace

Result<WranglerOutput> parse_wrangler_output(std::string_view text) {
  WranglerOutput output;
  std::string failure;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const json line = json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.is_object()) continue;
    const std::string type = text_of(line, "type");
    if (type == "command-failed") failure = text_of(line, "message");
    if (type != "version-upload" && type != "deploy") continue;
    const std::string version = text_of(line, "version_id");
    if (version.empty()) continue;
    output = {text_of(line, "worker_name"), version};
    failure.clear();
  }
  if (!failure.empty()) return invalid("wrangler failed: " + sanitize(failure, 500));
  if (output.version.empty()) {
    return invalid("no version was uploaded or deployed: no line has a version_id");
  }
  return output;
}

Result<WranglerOutput> read_wrangler_output(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return invalid(file + " cannot be read");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Result<WranglerOutput> output = parse_wrangler_output(text);
  if (!output) return invalid(file + ": " + output.error().message);
  return output;
}

}  // namespace belay::monitor
