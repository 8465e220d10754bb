#include "tests/integration/gate_world.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "tests/support/eventually.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 25ms;

constexpr const char* kConfiguration = R"(state: state
metrics: {metrics}
mode: {mode}
{more}
services:
  shop:
    platform: {platform}
    logs: {logs}
    {of_service}
    rollout:
      rules: [rules.yaml]
      on fail: {on_fail}
      verify for: 7s
      {of_rollout}
{services}
notify:
  page: [ {{ slack: {{ webhook: "${{SLACK}}" }} }} ]
  {of_notify}
)";

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

GateWorld::GateWorld() {
  directory_.write("live", "v2 10%\n");
  directory_.write("shop.log", "");
}

GateWorld::~GateWorld() = default;

void GateWorld::configure(const Settings& settings) const {
  directory_.write("rules.yaml", settings.rules);
  directory_.write(
      "belay.yaml",
      fmt::format(
          kConfiguration, fmt::arg("mode", settings.mode), fmt::arg("metrics", settings.metrics),
          fmt::arg("more", settings.more), fmt::arg("platform", settings.platform),
          fmt::arg("logs", settings.logs), fmt::arg("on_fail", settings.on_fail),
          fmt::arg("of_service", settings.of_service), fmt::arg("of_rollout", settings.of_rollout),
          fmt::arg("services", settings.services), fmt::arg("of_notify", settings.of_notify)));
}

void GateWorld::serve(Traffic traffic) {
  traffic_ = std::jthread([this, traffic = std::move(traffic)](std::stop_token stop) {
    write_log(traffic, std::move(stop));
  });
}

void GateWorld::write_log(const Traffic& traffic, std::stop_token stop) const {
  std::ofstream log(directory() / "shop.log", std::ios::app);
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock{mutex};
  while (!stop.stop_requested()) {
    for (const Answer& answer : traffic()) {
      log << fmt::format(
                 R"({{"ts":{},"service":"shop","version":"{}","route":"/","status":{},"wall_ms":3}})",
                 now_ms(), answer.version, answer.status)
          << '\n';
    }
    log.flush();
    stopped.wait_for(lock, stop, kTick, [] { return false; });
  }
}

GateWorld::Traffic GateWorld::rollout(const std::string& candidate, const std::string& baseline,
                                      std::function<int()> candidate_status) const {
  return [=, this, status = std::move(candidate_status)]() -> std::vector<Answer> {
    if (!line_of("live").starts_with("v2")) return {{line_of("live"), 200}};
    return {{candidate, status()}, {baseline, 200}};
  };
}

ChildProcess::Options GateWorld::gate(std::vector<std::string> arguments) const {
  std::vector<std::string> all = {"gate", "--standalone", "--service", "shop"};
  const auto is_named = [&](const char* name) {
    return std::ranges::find(arguments, name) != arguments.end();
  };
  if (!is_named("--candidate")) {
    all.insert(all.end(), {"--candidate", "v2", "--baseline", "v1"});
  }
  if (!is_named("--for")) all.insert(all.end(), {"--for", "10m"});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return program(std::move(all));
}

ChildProcess::Options GateWorld::run() const { return program({"run"}); }

ChildProcess::Options GateWorld::program(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), belay_binary().string());
  return {.argv = std::move(arguments),
          .environment = {"SLACK=" + slack_.url()},
          .output = directory() / "output",
          .directory = directory()};
}

bool GateWorld::says(const std::string& text) const {
  return eventually([&] { return output().find(text) != std::string::npos; }, 60s);
}

std::string GateWorld::output() const { return content_of(directory() / "output"); }

std::string GateWorld::line_of(const std::string& file) const {
  std::string text = content_of(directory() / file);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

int GateWorld::lines_of(const std::string& file) const {
  const std::string text = content_of(directory() / file);
  return static_cast<int>(std::ranges::count(text, '\n'));
}

void GateWorld::write_secret(const std::string& name, const std::string& secret) const {
  const std::filesystem::path file = directory_.write(name, secret);
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::string GateWorld::webhook() const { return slack_.url(); }

std::string GateWorld::pages() { return slack_.bodies(); }

}  // namespace belay::test
