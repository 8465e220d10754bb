#include "tests/monitor/config/config_text.h"

#include <map>
#include <optional>

#include <gtest/gtest.h>

namespace belay::test {

using monitor::Config;
using monitor::Interpolation;
using monitor::ReadConfig;

ReadConfig read(const std::string& text) {
  Interpolation interpolation;
  interpolation.variable = [](const std::string& name) -> std::optional<std::string> {
    static const std::map<std::string, std::string> kVariables = {
        {"TOKEN", "t0ken"},
        {"LONG_TOKEN", "0123456789abcdef0123456789abcdef"},
        {"REDIS_URL", "redis://:secret@127.0.0.1:6379/2"},
        {"SLACK", "https://hooks.slack.example.test/x"}};
    const auto found = kVariables.find(name);
    return found == kVariables.end() ? std::nullopt : std::optional{found->second};
  };
  interpolation.file = [](const std::string& path) -> Result<std::string> {
    return Error{Error::Kind::not_found, "no " + path};
  };
  return monitor::parse_config("/etc/belay/belay.yaml", text, interpolation);
}

std::vector<std::string> faults_of(const ReadConfig& read) {
  std::vector<std::string> faults;
  for (const rules::Located& fault : read.faults) {
    const bool is_error = fault.what.level == rules::Diagnostic::Level::error;
    faults.push_back(std::to_string(fault.line) + (is_error ? ": error: " : ": warning: ") +
                     fault.what.message + " " + fault.what.suggestion);
  }
  return faults;
}

Config good(const std::string& text) {
  ReadConfig config = read(text);
  EXPECT_TRUE(config.config.has_value()) << testing::PrintToString(faults_of(config));
  return config.config.value_or(Config{});
}

}  // namespace belay::test
