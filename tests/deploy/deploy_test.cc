// Goal: what is deployed keeps the promises of the design: one machine that is never stopped, a
// volume, SIGTERM, an account without rights, and the same ports everywhere.

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/deploy/toml_lines.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string file(const char* name) { return content_of(source_dir() / name); }

class FlyToml : public testing::TestWithParam<const char*> {
 protected:
  std::map<std::string, std::string> lines_ = toml_lines(file(GetParam()));
};

TEST_P(FlyToml, NeverStopsTheOneMachine) {
  EXPECT_EQ(lines_.at("http_service.auto_stop_machines"), "off");
  EXPECT_EQ(lines_.at("http_service.min_machines_running"), "1");
  EXPECT_EQ(lines_.at("restart.policy"), "always");
}

TEST_P(FlyToml, EndsItInOrder) {
  EXPECT_EQ(lines_.at("kill_signal"), "SIGTERM");
  EXPECT_EQ(lines_.at("kill_timeout"), "30s");
}

TEST_P(FlyToml, KeepsTheJournalOnAVolume) {
  EXPECT_EQ(lines_.at("mounts.destination"), "/data");
  EXPECT_NE(lines_.at("deploy.strategy"), "bluegreen");
  EXPECT_THAT(file("deploy/belay.yaml"), HasSubstr("\nstate: /data\n"));
}

TEST_P(FlyToml, ChecksReadinessAndScrapesWhereBelayServesThem) {
  EXPECT_EQ(lines_.at("checks.ready.type"), "http");
  EXPECT_EQ(lines_.at("checks.ready.path"), "/readyz");
  EXPECT_EQ(lines_.at("metrics.path"), "/metrics");
  EXPECT_EQ(lines_.at("checks.ready.port"), lines_.at("metrics.port"));
  EXPECT_THAT(file("deploy/belay.yaml"),
              HasSubstr("\nmetrics: 0.0.0.0:" + lines_.at("metrics.port") + "\n"));
}

TEST_P(FlyToml, GivesTheInternetOnlyWhatNeedsAToken) {
  const std::string& port = lines_.at("http_service.internal_port");
  EXPECT_NE(port, lines_.at("metrics.port"));
  EXPECT_EQ(lines_.at("http_service.force_https"), "true");
  EXPECT_THAT(file("deploy/belay.yaml"),
              HasSubstr("listen: \"0.0.0.0:" + port + "\", token: \"${"));
}

TEST_P(FlyToml, PutsTheConfigurationWhereTheImageLooksForIt) {
  EXPECT_THAT(file("Dockerfile"), HasSubstr("\"" + lines_.at("files.guest_path") + "\""));
}

INSTANTIATE_TEST_SUITE_P(Deploy, FlyToml, testing::Values("fly.toml", "fly.staging.toml"),
                         [](const auto& instance) {
                           return std::string(instance.param) == "fly.toml" ? "Production"
                                                                            : "Staging";
                         });

TEST(FlyTomls, AreTwoAppsThatDifferInNothingElse) {
  auto production = toml_lines(file("fly.toml"));
  auto staging = toml_lines(file("fly.staging.toml"));
  for (const char* own : {"app", "files.local_path"}) {
    EXPECT_NE(production.at(own), staging.at(own));
    production.erase(own);
    staging.erase(own);
  }
  EXPECT_EQ(production, staging);
}

TEST(Dockerfile, BuildsForBookwormAndEndsBySigterm) {
  const std::string dockerfile = file("Dockerfile");
  EXPECT_THAT(dockerfile, HasSubstr("FROM debian:bookworm-slim AS build\n"));
  EXPECT_THAT(dockerfile, HasSubstr("\nFROM debian:bookworm-slim\n"));
  EXPECT_THAT(dockerfile, HasSubstr("\nSTOPSIGNAL SIGTERM\n"));
  EXPECT_THAT(dockerfile, HasSubstr("\nVOLUME /data\n"));
  EXPECT_THAT(dockerfile, HasSubstr("-o 65532 -g 65532 -m 0700 /data\n"));
  const auto fly = toml_lines(file("fly.toml"));
  EXPECT_THAT(dockerfile, HasSubstr("\nEXPOSE " + fly.at("http_service.internal_port") + " " +
                                    fly.at("metrics.port") + "\n"));
}

TEST(Dockerfile, InstallsThePackagesOfTheLibrariesThatBelayLoads) {
  const TemporaryDirectory directory;
  const auto said = directory.path() / "said";
  ChildProcess script(
      {.argv = {(source_dir() / "scripts/runtime-packages.sh").string(), belay_binary().string()},
       .output = said});
  EXPECT_EQ(script.wait(std::chrono::seconds(60)), 0) << content_of(said);
  const std::string packages = content_of(said);
  for (const char* package : {"libsqlite3-0\n", "libc6\n", "zlib1g\n"}) {
    EXPECT_THAT(packages, HasSubstr(package));
  }
  EXPECT_THAT(packages, Not(HasSubstr(" "))) << "one name a line";
  EXPECT_THAT(file("Dockerfile"),
              HasSubstr("scripts/runtime-packages.sh build/release/belay > /runtime-packages\n"));
  EXPECT_THAT(file("Dockerfile"), HasSubstr("$(cat /usr/local/share/belay/runtime-packages)"));
}

TEST(DeployedConfiguration, IsOneThatBelayAccepts) {
  const TemporaryDirectory directory;
  const auto said = directory.path() / "said";
  ChildProcess check(
      {.argv = {belay_binary().string(), "check", (source_dir() / "deploy/belay.yaml").string()},
       .environment = {"BELAY_INGEST_TOKEN=token",
                       "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T/B/X"},
       .output = said});
  EXPECT_EQ(check.wait(std::chrono::seconds(20)), 0) << content_of(said);
}

/// Runs the entrypoint with programs that only say how they were called. `user`: what id -u says.
std::string said_by_entrypoint(const std::string& user) {
  const TemporaryDirectory programs;
  programs.write("id", "#!/bin/sh\necho " + user + "\n");
  for (const char* name : {"chown", "setpriv", "tini"}) {
    programs.write(name, "#!/bin/sh\necho " + std::string(name) + " \"$@\"\n");
  }
  for (const char* name : {"id", "chown", "setpriv", "tini"}) {
    std::filesystem::permissions(programs.path() / name, std::filesystem::perms::owner_all);
  }
  const auto output = programs.path() / "said";
  ChildProcess entrypoint(
      {.argv = {(source_dir() / "deploy/container-entrypoint.sh").string(), "run", "a b"},
       .environment = {"PATH=" + programs.path().string() + ":/usr/bin:/bin"},
       .output = output});
  EXPECT_EQ(entrypoint.wait(std::chrono::seconds(20)), 0);
  return content_of(output);
}

TEST(Entrypoint, DropsEveryRightBeforeBelayStarts) {
  EXPECT_EQ(said_by_entrypoint("0"),
            "chown 65532:65532 /data\n"
            "setpriv --reuid=65532 --regid=65532 --clear-groups --inh-caps=-all "
            "--bounding-set=-all --no-new-privs tini -s -- belay run a b\n");
}

TEST(Entrypoint, NeedsNoRootWhereTheVolumeIsItsOwn) {
  EXPECT_EQ(said_by_entrypoint("65532"), "tini -s -- belay run a b\n");
}

}  // namespace
}  // namespace belay::test
