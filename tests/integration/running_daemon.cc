#include "tests/integration/running_daemon.h"

#include <csignal>
#include <fstream>

#include <fmt/format.h>

#include "net/http_client.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

constexpr std::chrono::seconds kLongest{60};

}  // namespace

void RunningDaemon::configure(const std::string& text) const {
  directory_.write("belay.yaml",
                   fmt::format("listen: 127.0.0.1:0\nmetrics: 127.0.0.1:{}\n{}", port_, text));
}

void RunningDaemon::append(const std::string& name, const std::string& text) const {
  std::ofstream{directory() / name, std::ios::app} << text;
}

void RunningDaemon::start(const std::vector<std::string>& environment) {
  child_ =
      std::make_unique<ChildProcess>(ChildProcess::Options{.argv = {belay_binary().string(), "run"},
                                                           .environment = environment,
                                                           .output = directory() / "output",
                                                           .directory = directory()});
}

bool RunningDaemon::ends() { return child_->wait(kLongest).has_value(); }

int RunningDaemon::stop() {
  child_->signal(SIGTERM);
  return child_->wait(kLongest).value_or(-1);
}

std::string RunningDaemon::output() const { return content_of(directory() / "output"); }

std::string RunningDaemon::get(const std::string& path) const {
  const auto answer = net::http_call(
      {.url = fmt::format("http://127.0.0.1:{}{}", port_, path), .body_bytes_max = 1 << 20});
  const auto* response = std::get_if<net::HttpResponse>(&answer);
  return response == nullptr ? "" : fmt::format("{} {}", response->status, response->body);
}

bool RunningDaemon::shows(const std::string& text, const std::string& path) const {
  return eventually([&] { return get(path).find(text) != std::string::npos; }, kLongest);
}

bool RunningDaemon::hides(const std::string& text, const std::string& path) const {
  return eventually(
      [&] {
        const std::string page = get(path);
        return !page.empty() && page.find(text) == std::string::npos;
      },
      kLongest);
}

bool RunningDaemon::says(const std::string& text) const {
  return eventually([&] { return output().find(text) != std::string::npos; }, kLongest);
}

}  // namespace belay::test
