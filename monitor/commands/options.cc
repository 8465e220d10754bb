#include "monitor/commands/options.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "base/time.h"
#include "base/utf8.h"
#include "monitor/config/rule_file.h"

namespace belay::monitor {

void add_output_option(CLI::App& verb, OutputFormat& output) {
  static const std::map<std::string, OutputFormat> kFormats = {
      {"text", OutputFormat::text}, {"json", OutputFormat::json}, {"jsonl", OutputFormat::jsonl}};
  verb.add_option_function<std::string>(
          "--output,-o", [&output](const std::string& name) { output = kFormats.at(name); },
          "text, json (one document) or jsonl (one a line)")
      ->check(CLI::IsMember({"text", "json", "jsonl"}))
      ->type_name("FORMAT");
}

void add_config_option(CLI::App& verb, std::string& file) {
  verb.add_option("-c,--config", file, "The configuration")
      ->type_name("FILE")
      ->capture_default_str();
}

void add_duration_option(CLI::App& verb, const std::string& name, std::string& text,
                         const std::string& help) {
  verb.add_option(name, text, help)
      ->type_name("DURATION")
      ->capture_default_str()
      ->check([](const std::string& value) {
        const bool fits = parse_duration(value).has_value();
        return fits ? std::string{}
                    : fmt::format("\"{}\" is no duration: write 90s, 10m or 1h30m", value);
      });
}

void show_faults(const std::vector<rules::Located>& faults) {
  for (const rules::Located& fault : faults) fmt::print(stderr, "{}", rules::render(fault));
}

std::string check_utf8(const std::string& text) {
  return is_utf8(text) ? ""
                       : fmt::format("\"{}\" is not valid UTF-8: no platform has such a name",
                                     sanitize(text, 100));
}

std::string user_name() {
  const char* user = std::getenv("USER");
  return user == nullptr || *user == '\0' ? fmt::format("uid {}", ::getuid()) : sanitize(user, 100);
}

std::filesystem::path working_directory() {
  std::error_code error;
  std::filesystem::path directory = std::filesystem::current_path(error);
  return error ? std::filesystem::path(".") : directory;
}

std::optional<std::vector<rules::Rule>> load_rules(const std::vector<std::string>& references) {
  std::vector<rules::Rule> rules;
  bool failed = false;
  for (const std::string& reference : references) {
    RuleFile file = load_rule_file(reference, working_directory());
    show_faults(file.faults);
    failed = failed || file.failed();
    for (rules::Rule& rule : file.rules) {
      const bool taken = std::ranges::any_of(
          rules, [&](const rules::Rule& other) { return other.name == rule.name; });
      if (taken) {
        complain(fmt::format("{} has a rule {}, and so has another file", reference, rule.name));
        failed = true;
      }
      rules.push_back(std::move(rule));
    }
  }
  if (failed) return std::nullopt;
  return rules;
}

}  // namespace belay::monitor
