#include "monitor/config/interpolate.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "monitor/config/written_path.h"

namespace belay::monitor {
namespace {

constexpr std::uintmax_t kValueBytesMax = 64 * 1024;

Error invalid(std::string message) { return {Error::Kind::invalid, std::move(message)}; }

Result<std::string> value_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return invalid(path + " is no regular file");
  if (std::filesystem::file_size(path, error) > kValueBytesMax || error) {
    return invalid(path + " is larger than 64 KiB");
  }
  std::ifstream stream(path, std::ios::binary);
  std::string value{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return invalid(path + " cannot be read");
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

/// What stands for "${" + `inside` + "}".
Result<std::string> replacement(std::string_view inside, const Interpolation& interpolation) {
  if (inside.starts_with("file:")) {
    const std::string path(inside.substr(5));
    if (path.empty() || !interpolation.file) return invalid("${file:} names no file");
    return interpolation.file(path);
  }
  const std::size_t dash = inside.find(":-");
  const std::string name(inside.substr(0, dash));
  if (!is_variable_name(name)) {
    // Not what stands inside: it may be a part of a password.
    return invalid(
        "this \"${…}\" is no variable: write ${NAME}, ${NAME:-default}, ${file:/path} or $$");
  }
  const auto value = interpolation.variable ? interpolation.variable(name) : std::nullopt;
  if (dash != std::string_view::npos) {
    return value && !value->empty() ? *value : std::string(inside.substr(dash + 2));
  }
  if (!value) return invalid("the environment variable " + name + " is not set");
  return *value;
}

}  // namespace

Interpolation Interpolation::of_process() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (value == nullptr) return std::nullopt;
            return value;
          },
          value_file};
}

Interpolation beside(const std::string& file, Interpolation interpolation) {
  if (!interpolation.file) return interpolation;
  interpolation.file = [directory = directory_of_file(file),
                        read = std::move(interpolation.file)](const std::string& path) {
    return read(path_in(directory, path).string());
  };
  return interpolation;
}

bool has_interpolation(std::string_view text) { return text.find("${") != std::string_view::npos; }

Result<std::string> interpolate(std::string_view text, const Interpolation& interpolation) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$$")) {
      out += '$';
      text.remove_prefix(2);
    } else if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) return invalid("\"${\" without \"}\"");
      auto value = replacement(text.substr(2, end - 2), interpolation);
      if (!value) return value.error();
      out += *value;
      text.remove_prefix(end + 1);
    } else {
      out += '$';
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace belay::monitor
