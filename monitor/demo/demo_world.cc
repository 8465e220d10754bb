#include "monitor/demo/demo_world.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "monitor/sources/cadence.h"
#include "net/http_client.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::uint64_t kUsers = 10;
constexpr auto kThinkTime = 40ms;
constexpr std::array kPaths = {"/api/items", "/api/items/17", "/api/cart", "/api/checkout",
                               "/api/users/4711"};

// What a user would write for a service of their own (docs/configuration.md).
constexpr const char* kConfiguration = R"(# Written by `belay demo`.
listen: 127.0.0.1:0
state: state
metrics: {metrics}
mode: enforce

services:
  shop:
    platform:
      command:
        rollback: ["{belay}", demo-switch, --url, "{url}"]
        move: ["{belay}", demo-switch, --url, "{url}"]
        verify: ["{belay}", demo-switch, --url, "{url}", --look]
        timeout: 10s
    logs: {{ file: tail.log, format: cloudflare }}
    probes:
      healthz: {{ url: "{url}/healthz", every: 1s, timeout: 500ms, expect: {{ json: {{ status: ok }} }} }}
    rollout:
      steps: [10% for 8s min 20, 50% for 8s min 20, 100%]
      drive: true
      warm-up: 0s
      compare: false
      rules: [rules.yaml]
      on fail: [rollback]
      verify for: 10s

notify:
  tell: [ {{ slack: {{ webhook: "${{DEMO_SLACK}}" }} }} ]
  page: [ {{ slack: {{ webhook: "${{DEMO_SLACK}}" }} }} ]
)";

constexpr const char* kRules = R"(rules:
  - name: shop-5xx
    when: error rate > 5% over 5s, min 20 requests, for 3s
    then: rollback
    summary: The shop answers with errors
  - name: shop-slow
    when: p95 latency > 250ms over 5s, min 20 requests, for 3s
    then: rollback
    summary: The shop is slow
  - name: shop-down
    when: probe healthz fails 3 of 5
    then: rollback
    summary: The shop does not answer
)";

Status write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file{path};
  file << text << std::flush;
  if (!file) return Error{Error::Kind::failed, "cannot write " + path.string()};
  return Done{};
}

std::optional<net::HttpResponse> call(const std::string& method, const std::string& url,
                                      const std::string& body = {}) {
  auto answer = net::http_call({.method = method, .url = url, .body = body, .deadline = 5s});
  auto* response = std::get_if<net::HttpResponse>(&answer);
  if (response == nullptr || response->status != 200) return std::nullopt;
  return std::move(*response);
}

/// The first line that the child prints.
std::string first_line(const Process& child, std::chrono::milliseconds at_most) {
  std::string line;
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (line.find('\n') == std::string::npos && std::chrono::steady_clock::now() < until) {
    pollfd ready{child.out(), POLLIN, 0};
    poll(&ready, 1, 100);
    std::array<char, 64> buffer{};
    const ssize_t got = read(child.out(), buffer.data(), buffer.size());
    if (got == 0) break;
    if (got > 0) line.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return line;
}

/// The three characters that Slack wants escaped, as its readers see them.
std::string as_slack_shows(std::string text) {
  using Escape = std::pair<std::string_view, std::string_view>;
  for (const auto& [escape, shown] :
       {Escape{"&lt;", "<"}, Escape{"&gt;", ">"}, Escape{"&amp;", "&"}}) {
    for (std::size_t at = text.find(escape); at != std::string::npos;
         at = text.find(escape, at + shown.size())) {
      text.replace(at, escape.size(), shown);
    }
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<DemoWorld>> DemoWorld::start() {
  std::unique_ptr<DemoWorld> world{new DemoWorld};
  std::error_code code;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(code);
  std::string pattern = (parent / "belay-demo-XXXXXX").string();
  if (code || mkdtemp(pattern.data()) == nullptr) {
    return Error{Error::Kind::failed, "no directory for temporary files: set TMPDIR to one"};
  }
  world->directory_ = pattern;
  if (const Status started = world->start_service(); !started) return started.error();
  for (std::uint64_t user = 0; user < kUsers; ++user) {
    world->users_.emplace_back(
        [raw = world.get(), user](std::stop_token stop) { raw->use(user, std::move(stop)); });
  }
  return world;
}

DemoWorld::~DemoWorld() {
  for (std::jthread& user : users_) user.request_stop();
  users_.clear();
  if (service_) service_->end(100ms);
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Status DemoWorld::start_service() {
  Result<Process> child = Process::start(
      {.argv = {belay(), "demo-service", "--log", (directory_ / "tail.log").string()}});
  if (!child) return child.error();
  service_ = std::make_unique<Process>(std::move(child).value());
  const std::string line = first_line(*service_, 10s);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), port_);
  if (error != std::errc{}) {
    return Error{Error::Kind::failed, "the demo's service did not start on 127.0.0.1"};
  }
  return Done{};
}

void DemoWorld::use(std::uint64_t user, std::stop_token stop) const {
  std::uint64_t visit = user;
  do {
    // What the shop answers is the shop's business: its log says how it went.
    static_cast<void>(call("GET", url() + kPaths[visit++ % kPaths.size()]));
  } while (wait_for(kThinkTime, stop));
}

std::string DemoWorld::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::string DemoWorld::belay() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "belay" : path.string();
}

Status DemoWorld::write_configuration(const std::string& metrics) const {
  const Status rules = write_file(directory_ / "rules.yaml", kRules);
  if (!rules) return rules;
  return write_file(configuration(),
                    fmt::format(fmt::runtime(kConfiguration), fmt::arg("metrics", metrics),
                                fmt::arg("belay", belay()), fmt::arg("url", url())));
}

std::vector<std::string> DemoWorld::slack_messages() const {
  std::vector<std::string> messages;
  const auto answer = call("GET", url() + "/slack");
  if (!answer) return messages;
  std::string_view rest = answer->body;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const json message = json::parse(rest.substr(0, end), nullptr, false);
    const auto text = message.is_object() ? message.find("text") : message.end();
    if (text != message.end() && text->is_string()) {
      messages.push_back(as_slack_shows(text->get<std::string>()));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return messages;
}

int switch_demo(const std::string& url, const std::map<std::string, int>& split, bool only_look) {
  const json wanted(split);
  if (!only_look && !call("POST", url + "/deployment", wanted.dump())) return 1;
  const auto answer = call("GET", url + "/deployment");
  if (!answer) return 1;
  return json::parse(answer->body, nullptr, false) == wanted ? 0 : 1;
}

}  // namespace belay::monitor
