#include "monitor/config/written_path.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/config/config_text.h"
#include "tests/support/temporary_directory.h"

// Goal: whatever belay.yaml names is found beside it, wherever Belay was started.

namespace belay::monitor {
namespace {

using test::good;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(WrittenPathTest, ADotIsLeftOutAndTwoAreLeftToTheFileSystem) {
  EXPECT_EQ(path_in("/etc/belay", "./deploy"), "/etc/belay/deploy");
  EXPECT_EQ(path_in("/etc/belay", "bin/./deploy"), "/etc/belay/bin/deploy");
  EXPECT_EQ(path_in("/etc/belay", "../deploy"), "/etc/belay/../deploy");
  EXPECT_EQ(path_in("/etc/belay", "/opt/deploy"), "/opt/deploy");
}

/// belay.yaml, and a link of that name in etc/, which is made if need be.
std::filesystem::path linked(const test::TemporaryDirectory& directory, const std::string& text) {
  const std::filesystem::path file = directory.write("belay.yaml", text);
  const std::filesystem::path link = directory.path() / "etc/belay.yaml";
  std::filesystem::create_directories(link.parent_path());
  std::filesystem::create_symlink(file, link);
  return link;
}

TEST(WrittenPathTest, TheStateBeginsAtTheFile) {
  const test::TemporaryDirectory directory;
  const std::filesystem::path file = directory.write("belay.yaml", "");
  const std::filesystem::path state = directory.path() / "belay-state";
  EXPECT_EQ(state_path(file.string(), "belay-state").value(), state);
  EXPECT_EQ(state_path(file.string(), "./belay-state").value(), state);
  EXPECT_EQ(state_path("/no/such/belay.yaml", "belay-state").value(), "/no/such/belay-state");
}

TEST(WrittenPathTest, ThroughALinkTheStateHasToBeAbsolute) {
  const test::TemporaryDirectory directory;
  const std::filesystem::path link = linked(directory, "services: { shop: {} }\n");
  std::filesystem::create_directory_symlink(directory.path(), directory.path() / "current");
  for (const auto& named : {link, directory.path() / "current/belay.yaml"}) {
    EXPECT_EQ(state_path(named.string(), "/var/lib/belay").value(), "/var/lib/belay");
    const Result<std::filesystem::path> state = state_path(named.string(), "belay-state");
    ASSERT_FALSE(state.ok()) << named;
    EXPECT_THAT(state.error().message, HasSubstr("is reached through a link"));
    EXPECT_THAT(state.error().message, Not(HasSubstr("one lies in")));
    const ReadConfig read = read_config(named.string(), Interpolation::of_process());
    EXPECT_FALSE(read.config);
    EXPECT_THAT(testing::PrintToString(test::faults_of(read)), HasSubstr("write where it lies"));
  }
}

TEST(WrittenPathTest, AStateThatWasMadeBeforeIsNamed) {
  const test::TemporaryDirectory directory;
  const std::filesystem::path link = linked(directory, "");
  for (const auto& state : {directory.path() / "belay-state", link.parent_path() / "belay-state"}) {
    std::filesystem::create_directory(state);
    EXPECT_THAT(state_path(link.string(), "belay-state").error().message,
                HasSubstr("one lies in " + state.string()));
  }
}

TEST(WrittenPathTest, EveryProgramWithASlashBeginsAtTheConfiguration) {
  const Config config = good(R"(
services:
  shop:
    logs: { exec: [./tail, ./argument] }
    platform: { command: { rollback: [bin/deploy, ./x], verify: [/opt/deployed], move: [../move] } }
    rollout:
      preflight: { smoke: { command: [./smoke] } }
commands:
  drain: { argv: [drain, --now], verify: [./is-drained] }
)");
  const auto& log = std::get<LogConfig>(config.sources.at(0).of);
  EXPECT_THAT(std::get<ExecInput>(log.input).argv, ElementsAre("/etc/belay/tail", "./argument"))
      << "arguments are the program's own affair";
  const auto& command = std::get<CommandAction>(config.services.at(0).platform);
  EXPECT_THAT(command.argv, ElementsAre("/etc/belay/bin/deploy", "./x"));
  EXPECT_THAT(command.argv_written, ElementsAre("bin/deploy", "./x"));
  EXPECT_THAT(command.verify, ElementsAre("/opt/deployed"));
  EXPECT_THAT(command.move, ElementsAre("/etc/belay/../move"));
  const auto& smoke = std::get<CommandAction>(config.services.at(0).preflight.at(0).of);
  EXPECT_THAT(smoke.argv, ElementsAre("/etc/belay/smoke"));
  EXPECT_THAT(config.commands.at(0).of.argv, ElementsAre("drain", "--now"))
      << "a bare name is looked for in PATH";
  EXPECT_THAT(config.commands.at(0).of.verify, ElementsAre("/etc/belay/is-drained"));
}

TEST(WrittenPathTest, EveryFileBeginsAtTheConfiguration) {
  const Config config = good(R"(
state: ./belay-state
notify: { audit: ./told.jsonl }
services:
  shop:
    logs: { file: ./shop.log }
    probes: { healthz: { url: "https://a/", ca: own.pem }, other: { url: "https://a/", ca: "" } }
    queues: { redis: { url: "rediss://a", ca: ./own.pem } }
    rollout: { preflight: { smoke: { url: "https://a/", ca: own.pem } } }
flags:
  f: { redis: { url: "rediss://a", ca: /own.pem, key: a, expect: b, safe: c } }
)");
  EXPECT_EQ(config.state, "/etc/belay/belay-state");
  EXPECT_EQ(config.audit, "/etc/belay/told.jsonl");
  const auto& log = std::get<LogConfig>(config.sources.at(0).of);
  EXPECT_EQ(std::get<FileInput>(log.input).path, "/etc/belay/shop.log");
  EXPECT_EQ(std::get<ProbeConfig>(config.sources.at(1).of).ca_file, "/etc/belay/own.pem");
  EXPECT_EQ(std::get<ProbeConfig>(config.sources.at(2).of).ca_file, "") << "the system's own";
  EXPECT_EQ(std::get<QueuesConfig>(config.sources.at(3).of).url.ca_file, "/etc/belay/own.pem");
  const auto& smoke = std::get<ProbeConfig>(config.services.at(0).preflight.at(0).of);
  EXPECT_EQ(smoke.ca_file, "/etc/belay/own.pem");
  EXPECT_EQ(config.flags.at(0).of.url.ca_file, "/own.pem");
}

TEST(WrittenPathTest, ValuesAndRulesThatLieBesideTheConfigurationAreRead) {
  const test::TemporaryDirectory directory;
  directory.write("address", "https://a.example.test/\n");
  directory.write("rules.yaml",
                  "rules: [{ name: down, when: probe healthz fails 3 of 5, then: alert }]\n");
  const auto file = directory.write("belay.yaml",
                                    "services: { shop: { rules: [./rules.yaml], probes: { healthz: "
                                    "{ url: \"${file:address}\" } } } }\n");
  const ReadConfig read = read_config(file.string(), Interpolation::of_process());
  ASSERT_TRUE(read.config) << testing::PrintToString(test::faults_of(read));
  EXPECT_EQ(std::get<ProbeConfig>(read.config->sources.at(0).of).url, "https://a.example.test/");
}

}  // namespace
}  // namespace belay::monitor
