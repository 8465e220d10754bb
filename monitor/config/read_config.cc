#include "monitor/config/read_config.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "monitor/config/interpolate.h"
#include "monitor/config/lint.h"
#include "monitor/config/sections.h"
#include "monitor/config/written_path.h"

namespace belay::monitor {
namespace {

void read_sections(const YamlValue& root, Reading& reading) {
  YamlMap top(root, "the configuration");
  for (const char* key : {"audit", "tell", "page"})
    top.belongs_elsewhere(key, fmt::format("notify: {{ {}: … }}", key));
  Config& config = reading.config;
  const YamlValue state = top.get("state");
  const auto state_at = state_path(config.file, state.string().value_or("belay-state"));
  if (state_at) {
    config.state = *state_at;
  } else {
    (state.present() ? state : root).fault(state_at.error().message);
  }
  const rules::Mode mode = read_mode(top.get("mode")).value_or(rules::Mode::recommend);
  read_listeners(top, config);
  read_platforms(top.get("platforms"), reading);
  read_flags(top.get("flags"), "", reading);
  read_commands(top.get("commands"), "", reading);
  read_notify(top.get("notify"), reading);
  read_heartbeat(top.get("heartbeat"), config);
  read_logs(top.get("logs"), "", reading);
  read_trains(top.get("trains"), reading);
  read_services(top.require("services"), mode, reading);
  add_platform_watches(root, reading);
  const bool pushed = std::ranges::any_of(config.sources, [](const SourceConfig& source) {
    const auto* log = std::get_if<LogConfig>(&source.of);
    return log != nullptr && std::holds_alternative<PushInput>(log->input);
  });
  if (pushed && !config.ingest) {
    root.fault("logs are pushed, and nothing listens for them: add `ingest`",
               "ingest: 127.0.0.1:8081");
  }
  const auto stdins = std::ranges::count_if(config.sources, [](const SourceConfig& source) {
    const auto* log = std::get_if<LogConfig>(&source.of);
    return log != nullptr && std::holds_alternative<StdinInput>(log->input);
  });
  if (stdins > 1)
    root.fault("there is one standard input: only one of the logs can be read from it");
}

void report_lints(YamlFile& file, const Config& config) {
  const YamlValue root = file.root();
  const auto services = [&root] {
    for (const YamlEntry& entry : root.entries()) {
      if (entry.name == "services") return entry.value.entries();
    }
    return std::vector<YamlEntry>{};
  }();
  for (const Lint& found : lint(config)) {
    const auto service = std::ranges::find_if(
        services, [&](const YamlEntry& entry) { return entry.name == found.service; });
    const YamlValue place = service == services.end() ? root : service->key;
    if (found.is_error) {
      place.fault(found.message);
    } else {
      place.warning(found.message);
    }
  }
}

ReadConfig read_from(YamlFile file, const std::string& path) {
  Reading reading;
  reading.config.file = path;
  reading.directory = directory_of_file(path);
  // A file that is no YAML has one fault; what it lacks besides is not worth a word.
  if (file.root().present()) read_sections(file.root(), reading);
  if (!file.failed()) report_lints(file, reading.config);
  ReadConfig result;
  result.faults = file.faults();
  for (const std::string& reference : reading.rule_file_order) {
    const auto& faults = reading.rule_files.at(reference).faults;
    result.faults.insert(result.faults.end(), faults.begin(), faults.end());
  }
  if (!rules::has_error(result.faults)) result.config = std::move(reading.config);
  return result;
}

}  // namespace

ReadConfig read_config(const std::string& path, const Interpolation& interpolation) {
  Result<YamlFile> file = YamlFile::read(path, interpolation);
  if (!file) {
    rules::Located fault{.file = path};
    fault.what.message = file.error().message;
    return {std::nullopt, {std::move(fault)}};
  }
  return read_from(std::move(file).value(), path);
}

ReadConfig parse_config(const std::string& path, std::string text,
                        const Interpolation& interpolation) {
  return read_from(YamlFile::parse(path, std::move(text), beside(path, interpolation)), path);
}

}  // namespace belay::monitor
