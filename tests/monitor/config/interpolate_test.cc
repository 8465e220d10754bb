#include "monitor/config/interpolate.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

Interpolation fake() {
  return {[](const std::string& name) -> std::optional<std::string> {
            if (name == "PORT") return "8080";
            if (name == "EMPTY") return "";
            return std::nullopt;
          },
          [](const std::string& path) -> Result<std::string> {
            if (path == "/run/secret") return std::string("s3cret");
            return Error{Error::Kind::invalid, path + " is no regular file"};
          }};
}
std::string value(std::string_view text) {
  const auto result = interpolate(text, fake());
  return result ? *result : "fault: " + result.error().message;
}

TEST(InterpolateTest, VariablesDefaultsFilesAndDollars) {
  EXPECT_EQ(value("127.0.0.1:${PORT}"), "127.0.0.1:8080");
  EXPECT_EQ(value("${NONE:-9090}/${PORT:-1}/${EMPTY:-x}"), "9090/8080/x");
  EXPECT_EQ(value("${NONE:-}"), "");
  EXPECT_EQ(value("${file:/run/secret}"), "s3cret");
  EXPECT_EQ(value("$${PORT} costs $$5 or $5"), "${PORT} costs $5 or $5");
}

TEST(InterpolateTest, WhatIsNotSetOrNotClosedIsAFaultAndNeverEmpty) {
  EXPECT_EQ(value("${NONE}"), "fault: the environment variable NONE is not set");
  EXPECT_EQ(value("${PORT"), "fault: \"${\" without \"}\"");
  EXPECT_EQ(value("${file:/none}"), "fault: /none is no regular file");
  EXPECT_NE(value("${two words}").find("is no variable"), std::string::npos);
  EXPECT_NE(value("${}").find("is no variable"), std::string::npos);
}

TEST(InterpolateTest, AValueIsNotInterpolatedAgain) {
  const Interpolation loop{[](const std::string&) -> std::optional<std::string> { return "${A}"; },
                           {}};
  EXPECT_EQ(*interpolate("${A}", loop), "${A}");
}

TEST(InterpolateTest, TheProcessReadsFilesWithoutTheirLastLineBreakAndRefusesOthers) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "belay-interpolate";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "token") << "abc\n";
  std::ofstream(folder / "large") << std::string(65537, 'x');
  const Interpolation process = Interpolation::of_process();
  EXPECT_EQ(*process.file((folder / "token").string()), "abc");
  EXPECT_FALSE(process.file((folder / "large").string()));
  EXPECT_FALSE(process.file(folder.string()));
  EXPECT_FALSE(process.file("/dev/zero"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace belay::monitor
