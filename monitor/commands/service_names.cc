#include "monitor/commands/service_names.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "monitor/config/strict_yaml.h"

namespace belay::monitor {
namespace {

YamlValue value_at(const YamlValue& map, const std::string& key) {
  for (const YamlEntry& entry : map.entries()) {
    if (entry.name == key) return entry.value;
  }
  return {};
}

bool is_called(const YamlEntry& service, const std::string& name) {
  if (service.name == name) return true;
  const YamlValue platform = value_at(service.value, "platform");
  for (const YamlValue& own : {value_at(value_at(platform, "cloudflare"), "script"),
                               value_at(value_at(platform, "fly"), "app")}) {
    if (own.present() && own.string() == name) return true;
  }
  const auto aliases = value_at(service.value, "aliases").list();
  return std::ranges::any_of(aliases, [&](const YamlValue& one) { return one.string() == name; });
}

}  // namespace

Result<std::string> service_in(const std::string& config, const std::string& name) {
  if (name.empty()) return name;
  Result<YamlFile> file = YamlFile::read(config, Interpolation::of_process());
  if (!file) return file.error();
  const std::vector<YamlEntry> services = value_at(file->root(), "services").entries();
  std::vector<std::string> names;
  for (const YamlEntry& service : services) {
    if (service.name == name) return name;
    names.push_back(service.name);
  }
  const auto found = std::ranges::find_if(
      services, [&name](const YamlEntry& service) { return is_called(service, name); });
  if (found != services.end()) return found->name;
  return Error{Error::Kind::not_found, fmt::format("{} has no service {}; it has {}", config, name,
                                                   fmt::join(names, ", "))};
}

}  // namespace belay::monitor
