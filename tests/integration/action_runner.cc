#include "tests/integration/action_runner.h"

#include <chrono>
#include <csignal>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

using Texts = std::map<std::string, std::string>;

/// What GitHub's runner gives a cancelled step from SIGINT to SIGTERM.
constexpr std::chrono::milliseconds kTerminatedAfter{7500};

/// "a ${{ inputs.b }}" with what `values` has under "inputs.b".
std::string filled(std::string text, const Texts& values) {
  for (std::size_t begin = 0; (begin = text.find("${{", begin)) != std::string::npos;) {
    const std::size_t end = text.find("}}", begin);
    if (end == std::string::npos) {
      ADD_FAILURE() << "an expression without an end: " << text;
      return text;
    }
    std::istringstream inside{text.substr(begin + 3, end - begin - 3)};
    std::string name;
    inside >> name;
    const auto value = values.find(name);
    if (value == values.end()) ADD_FAILURE() << "nothing is called " << name;
    const std::string with = value == values.end() ? "" : value->second;
    text.replace(begin, end + 2 - begin, with);
    begin += with.size();
  }
  return text;
}

std::string hidden(std::string log) {
  constexpr std::string_view kMask = "::add-mask::";
  std::vector<std::string> secrets;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kMask)) secrets.push_back(line.substr(kMask.size()));
  }
  for (const std::string& secret : secrets) {
    for (std::size_t at = 0; !secret.empty() && (at = log.find(secret)) != std::string::npos;) {
      log.replace(at, secret.size(), "***");
    }
  }
  return log;
}

}  // namespace

ActionRunner::Ran ActionRunner::run(std::map<std::string, std::string> inputs,
                                    const std::function<bool()>& is_cancelled) {
  const YAML::Node action = YAML::LoadFile((source_dir() / "action.yml").string());
  Texts values;
  for (const auto& input : action["inputs"]) {
    const auto name = input.first.as<std::string>();
    const auto given = inputs.extract(name);
    const YAML::Node fallback = input.second["default"];
    if (given.empty() && !fallback) ADD_FAILURE() << name << " is required";
    values["inputs." + name] = given.empty() ? fallback.as<std::string>("") : given.mapped();
  }
  for (const auto& [name, value] : inputs) ADD_FAILURE() << "the action has no input " << name;

  Ran ran{.code = 0};
  const auto summary = directory_.write("summary", "");
  int count = 0;
  for (const YAML::Node& step : action["runs"]["steps"]) {
    EXPECT_EQ(step["shell"].as<std::string>(), "bash");
    const auto output = directory_.write("output-" + std::to_string(++count), "");
    const auto script = directory_.write("step.sh", step["run"].as<std::string>());
    const auto log = directory_.path() / "log";
    std::filesystem::remove(log);
    ChildProcess::Options options{
        .argv = {"/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", script.string()},
        .environment = {"GITHUB_OUTPUT=" + output.string(),
                        "GITHUB_STEP_SUMMARY=" + summary.string(),
                        "GITHUB_ACTION_PATH=" + source_dir().string(),
                        "GITHUB_REPOSITORY=example/shop", "GITHUB_RUN_ATTEMPT=1",
                        "GITHUB_RUN_ID=" + directory_.path().filename().string(),
                        "GITHUB_SHA=0123456789abcdef", "GITHUB_ACTOR=ann"},
        .output = log,
        .directory = directory_.path()};
    for (const auto& one : step["env"]) {
      options.environment.push_back(one.first.as<std::string>() + "=" +
                                    filled(one.second.as<std::string>(), values));
    }
    ChildProcess child{options};
    if (is_cancelled != nullptr && step["id"]) {
      EXPECT_TRUE(eventually(is_cancelled));
      child.signal(SIGINT);
      // bash loses a SIGINT that comes in the middle of a pipeline, now and then.
      if (!child.wait(kTerminatedAfter)) child.signal(SIGTERM);
    }
    ran.code = child.wait(std::chrono::seconds{100}).value_or(-1);
    ran.log += content_of(log);
    std::istringstream lines{content_of(output)};
    for (std::string line; std::getline(lines, line);) {
      const std::size_t equals = line.find('=');
      EXPECT_NE(equals, std::string::npos) << line;
      values["steps." + step["id"].as<std::string>("") + ".outputs." + line.substr(0, equals)] =
          line.substr(equals + 1);
    }
    if (ran.code != 0) break;
  }
  for (const auto& one : action["outputs"]) {
    const auto expression = one.second["value"].as<std::string>();
    const bool is_known =
        values.contains(expression.substr(expression.find("steps."), expression.rfind(' ') - 4));
    ran.outputs[one.first.as<std::string>()] = is_known ? filled(expression, values) : "";
  }
  ran.log = hidden(ran.log);
  ran.summary = content_of(summary);
  return ran;
}

}  // namespace belay::test
