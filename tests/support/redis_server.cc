#include "tests/support/redis_server.h"

#include <algorithm>
#include <csignal>

#include "base/check.h"
#include "tests/support/eventually.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

constexpr const char* kReady = "Ready to accept connections";

std::vector<std::string> arguments(const RedisServer::Options& options, std::uint16_t port,
                                   const std::string& directory) {
  const std::string number = std::to_string(port);
  std::vector<std::string> argv = {"redis-server",
                                   "--bind",
                                   "127.0.0.1",
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--dir",
                                   directory,
                                   "--daemonize",
                                   "no",
                                   "--loglevel",
                                   "notice",
                                   "--repl-diskless-sync-delay",
                                   "0"};
  const auto add = [&argv](std::initializer_list<std::string> words) {
    argv.insert(argv.end(), words);
  };
  if (options.authority != nullptr) {
    add({"--port", "0", "--tls-port", number, "--tls-auth-clients", "no", "--tls-ca-cert-file",
         options.authority->ca_file().string()});
  } else {
    add({"--port", number});
  }
  if (!options.password.empty()) add({"--requirepass", options.password});
  for (const std::string& user : options.users) {
    add({"--user"});
    std::size_t from = 0;  // redis-server wants each word of the line as one argument.
    while (from < user.size()) {
      const std::size_t to = std::min(user.find(' ', from), user.size());
      argv.push_back(user.substr(from, to - from));
      from = to + 1;
    }
  }
  if (options.replica_of != 0) {
    add({"--replicaof", "127.0.0.1", std::to_string(options.replica_of)});
  }
  argv.insert(argv.end(), options.more.begin(), options.more.end());
  return argv;
}

}  // namespace

RedisServer::RedisServer() : RedisServer(Options{}) {}

RedisServer::RedisServer(const Options& options) : options_(options) {
  if (options_.authority != nullptr)
    issued_ = options_.authority->issue(options_.certificate_names);
  bool started = false;
  for (int attempt = 0; attempt < 10 && !started; ++attempt) {
    port_ = free_port();  // Someone else may take it before redis-server does: then another one.
    started = try_start();
  }
  BELAY_CHECK(started, content_of(directory_.path() / "log"));
}

bool RedisServer::try_start() {
  const std::filesystem::path log = directory_.path() / "log";
  std::filesystem::remove(log);
  std::vector<std::string> argv = arguments(options_, port_, directory_.path().string());
  if (options_.authority != nullptr) {
    argv.insert(argv.end(), {"--tls-cert-file", issued_.certificate.string(), "--tls-key-file",
                             issued_.key.string()});
  }
  child_ = std::make_unique<ChildProcess>(ChildProcess::Options{.argv = argv, .output = log});
  const auto is_ready = [&log] { return content_of(log).find(kReady) != std::string::npos; };
  return eventually([&] { return !child_->runs() || is_ready(); }) && child_->runs();
}

std::string RedisServer::url(const std::string& userinfo) const {
  return (options_.authority != nullptr ? "rediss://" : "redis://") + userinfo +
         "127.0.0.1:" + std::to_string(port_);
}

void RedisServer::pause() { child_->signal(SIGSTOP); }

void RedisServer::resume() { child_->signal(SIGCONT); }

void RedisServer::kill() { child_.reset(); }

void RedisServer::start() {
  BELAY_CHECK(child_ == nullptr, "the server still runs");
  // The port was ours a moment ago; a connection in TIME_WAIT does not keep redis-server off it.
  BELAY_CHECK(try_start(), content_of(directory_.path() / "log"));
}

}  // namespace belay::test
