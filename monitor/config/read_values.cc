#include <algorithm>

#include <fmt/format.h>

#include "monitor/config/sections.h"
#include "monitor/config/written_path.h"
#include "net/http_listener.h"

namespace belay::monitor {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

}  // namespace

std::vector<std::string> read_argv(const YamlValue& value, const std::string& what,
                                   const Reading& reading) {
  std::vector<std::string> argv;
  if (value.present() && value.kind() != YamlValue::Kind::list) {
    value.fault(what + " is a list of arguments, not a line for a shell",
                "[program, argument, argument]");
    return argv;
  }
  for (const YamlValue& element : value.list()) {
    if (!argv.empty()) element.hide();  // A password, as some programs take it.
    if (auto argument = element.string()) argv.push_back(std::move(*argument));
  }
  if (value.present() && value.list().empty()) value.fault(what + " names no program");
  if (!argv.empty() && argv.front().empty()) value.fault(what + " names no program");
  if (!argv.empty() && argv.front().find('/') != std::string::npos) {
    argv.front() = path_in(reading.directory, argv.front()).string();
  }
  return argv;
}

std::vector<std::pair<std::string, std::string>> read_pairs(const YamlValue& value) {
  std::vector<std::pair<std::string, std::string>> pairs;
  value.hide();
  for (const YamlEntry& entry : value.entries()) {
    if (auto text = entry.value.string()) pairs.emplace_back(entry.name, std::move(*text));
  }
  return pairs;
}

std::optional<std::string> read_authorities(const YamlValue& value, const Reading& reading) {
  const auto file = value.string();
  if (!file || file->empty()) return std::nullopt;
  return path_in(reading.directory, *file).string();
}

std::optional<net::RedisUrl> read_redis_url(const YamlValue& value, const YamlValue& ca,
                                            const Reading& reading) {
  const auto text = value.secret(true);
  if (!text) return std::nullopt;
  Result<net::RedisUrl> url = net::RedisUrl::parse(text->reveal());
  if (!url) {
    value.fault(url.error().message);
    return std::nullopt;
  }
  url->ca_file = read_authorities(ca, reading);
  return std::move(url).value();
}

std::optional<std::string> read_address(const YamlValue& value) {
  const auto text = value.string();
  if (!text) return std::nullopt;
  if (!net::ListenAddress::parse(*text)) {
    value.fault("an address to listen on is IP:PORT, without a name", "127.0.0.1:9090");
    return std::nullopt;
  }
  return text;
}

bool is_loopback(const std::string& address) {
  const auto parsed = net::ListenAddress::parse(address);
  return parsed && parsed->is_loopback;
}

std::optional<std::string> read_url(const YamlValue& value) {
  const auto text = value.string();
  if (!text) return std::nullopt;
  const std::size_t scheme = text->starts_with("https://")  ? 8
                             : text->starts_with("http://") ? 7
                                                            : 0;
  const std::string_view rest = std::string_view{*text}.substr(scheme);
  if (scheme == 0 || rest.empty() || rest.front() == '/' || rest.front() == ':') {
    value.fault("an address here starts with http:// or https:// and a host");
    return std::nullopt;
  }
  return text;
}

bool check_name(const YamlEntry& entry, const std::string& what) {
  const bool fits = !entry.name.empty() && std::ranges::all_of(entry.name, is_name_character);
  if (!fits) {
    entry.key.fault(fmt::format(
        "the name of {} has letters, digits, \"_\", \".\" and \"-\" only: it stands in rules",
        what));
  }
  return fits;
}

}  // namespace belay::monitor
