#include "net/redis.h"

#include <array>

#include "base/sanitize.h"
#include "net/deadline.h"
#include "net/redis_codec.h"
#include "net/stream.h"

namespace belay::net {
namespace {

/// Names the server in front of what went wrong with it.
Error at(const RedisUrl& url, Error error) {
  error.message = url.shown() + ": " + error.message;
  return error;
}

/// What the server says against a command of the greeting. One that knows no AUTH repeats its
/// arguments.
Error refusal(const RedisConnection::Command& command, const RedisReply& reply) {
  const bool has_secret = command.front() == "AUTH";
  const std::size_t end = has_secret ? reply.text.find(", with args") : std::string::npos;
  return Error{.kind = Error::Kind::failed,
               .message = command.front() + ": " + sanitize(reply.text.substr(0, end), 200)};
}

class Connection final : public RedisConnection {
 public:
  Connection(std::unique_ptr<Stream> stream, std::string shown, std::stop_token stop)
      : stream_(std::move(stream)), shown_(std::move(shown)), stop_(std::move(stop)) {}

  Result<std::vector<RedisReply>> pipeline(const std::vector<Command>& commands,
                                           std::chrono::milliseconds deadline) override {
    return pipeline_until(commands, Deadline(deadline));
  }

  Result<std::vector<RedisReply>> pipeline_until(const std::vector<Command>& commands,
                                                 const Deadline& deadline) {
    if (stream_ == nullptr) {
      return Error{.kind = Error::Kind::unavailable,
                   .message = shown_ + ": closed after an earlier fault"};
    }
    Result<std::vector<RedisReply>> replies = exchange(commands, deadline);
    if (replies) return replies;
    // A late reply would be taken for the answer to a later command.
    stream_.reset();
    Error error = replies.error();
    error.message = shown_ + ": " + error.message;
    return error;
  }

 private:
  Result<std::vector<RedisReply>> exchange(const std::vector<Command>& commands,
                                           const Deadline& deadline) {
    decoder_.restart();
    std::string outgoing;
    for (const Command& command : commands) outgoing += encode(command);
    std::vector<RedisReply> replies;
    replies.reserve(commands.size());
    std::size_t sent = 0;
    // Both directions at once: a server whose answers nobody reads may stop reading itself.
    while (replies.size() < commands.size()) {
      if (sent < outgoing.size()) {
        const Stream::Moved moved = stream_->write(outgoing.data() + sent, outgoing.size() - sent);
        if (moved.io == Stream::Io::failed || moved.io == Stream::Io::closed) return broken(sent);
        sent += moved.bytes;
      }
      const Result<bool> received = receive(sent, commands.size(), replies);
      if (!received) return received.error();
      if (*received || replies.size() == commands.size()) continue;
      const auto waited = stream_->wait(sent < outgoing.size(), deadline, stop_);
      if (waited != Stream::Waited::ready) return given_up(waited, sent);
    }
    if (!decoder_.is_empty()) {
      return Error{.kind = Error::Kind::ambiguous, .message = "more replies than commands"};
    }
    return replies;
  }

  /// Whether anything came.
  Result<bool> receive(std::size_t sent, std::size_t replies_max,
                       std::vector<RedisReply>& replies) {
    std::array<char, 16 * 1024> bytes;  // NOLINT: filled by read
    const Stream::Moved moved = stream_->read(bytes.data(), bytes.size());
    if (moved.io == Stream::Io::would_block) return false;
    if (moved.io != Stream::Io::moved) return broken(sent);
    if (Status fed = decoder_.feed({bytes.data(), moved.bytes}); !fed) return fed.error();
    while (replies.size() < replies_max) {
      Result<std::optional<RedisReply>> reply = decoder_.next();
      if (!reply) return reply.error();
      if (!reply.value()) break;
      replies.push_back(std::move(*reply.value()));
    }
    return true;
  }

  [[nodiscard]] Error broken(std::size_t sent) const {
    const std::string& fault = stream_->fault();
    return Error{.kind = sent > 0 ? Error::Kind::ambiguous : Error::Kind::unavailable,
                 .message = fault.empty() ? "the server closed the connection" : fault};
  }

  static Error given_up(Stream::Waited waited, std::size_t sent) {
    if (waited == Stream::Waited::timeout) {
      return Error{.kind = Error::Kind::timeout, .message = "no whole answer in time"};
    }
    return Error{.kind = sent > 0 ? Error::Kind::ambiguous : Error::Kind::unavailable,
                 .message = "stopped"};
  }

  std::unique_ptr<Stream> stream_;  ///< Null after a fault.
  std::string shown_;
  std::stop_token stop_;
  RedisDecoder decoder_;
};

std::vector<RedisConnection::Command> greeting(const RedisUrl& url) {
  std::vector<RedisConnection::Command> commands;
  if (!url.password.empty()) {
    RedisConnection::Command& auth = commands.emplace_back(RedisConnection::Command{"AUTH"});
    if (!url.user.empty()) auth.push_back(url.user);
    auth.push_back(url.password.reveal());
  }
  if (url.database != 0) commands.push_back({"SELECT", std::to_string(url.database)});
  // A stopped server still accepts connections: only an answer shows that it lives.
  commands.push_back({"PING"});
  return commands;
}

}  // namespace

Result<std::unique_ptr<RedisConnection>> RedisConnection::connect(
    const RedisUrl& url, std::chrono::milliseconds deadline, std::stop_token stop) {
  const Deadline until(deadline);
  Result<std::unique_ptr<Stream>> stream = Stream::connect(
      {.host = url.host, .port = url.port, .tls = url.tls, .ca_file = url.ca_file}, until, stop);
  if (!stream) return at(url, stream.error());
  auto connection =
      std::make_unique<Connection>(std::move(stream).value(), url.shown(), std::move(stop));
  const std::vector<Command> commands = greeting(url);
  const Result<std::vector<RedisReply>> replies = connection->pipeline_until(commands, until);
  if (!replies) return replies.error();
  for (std::size_t which = 0; which < commands.size(); ++which) {
    const RedisReply& reply = (*replies)[which];
    if (reply.kind != RedisReply::Kind::error) continue;
    return at(url, refusal(commands[which], reply));
  }
  return std::unique_ptr<RedisConnection>(std::move(connection));
}

}  // namespace belay::net
