#include "monitor/platform/redis_flag.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/sanitize.h"
#include "net/deadline.h"

namespace belay::monitor {
namespace {

using net::RedisReply;
using Command = net::RedisConnection::Command;

// KEYS[1]: the key. ARGV: field (or ""), expected, safe, channel (or "").
constexpr const char* kCompareAndSet = R"lua(
local now
if ARGV[1] == '' then now = redis.call('GET', KEYS[1]) else now = redis.call('HGET', KEYS[1], ARGV[1]) end
if now == ARGV[3] then return 'already' end
if now ~= ARGV[2] then return 'conflict' end
if ARGV[1] == '' then redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
if ARGV[4] ~= '' then
  local told = redis.pcall('PUBLISH', ARGV[4], ARGV[3])
  if type(told) == 'table' and told.err then return 'untold ' .. told.err end
end
return 'changed'
)lua";

/// An error reply. Redis checks all of these before it changes anything.
Error error_of(const RedisReply& reply) {
  const std::string said = "Redis: " + sanitize(reply.text, 300);
  for (const char* passing : {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN",
                              "NOREPLICAS", "MISCONF", "OOM"}) {
    if (reply.text.starts_with(passing)) return {Error::Kind::unavailable, said};
  }
  if (reply.text.starts_with("READONLY")) {
    return {Error::Kind::unavailable, "the flag's Redis is a replica; " + said};
  }
  return {Error::Kind::failed, said};
}

bool is_error(const RedisReply& reply) { return reply.kind == RedisReply::Kind::error; }

/// Scripting refused by an ACL, or not there at all.
bool refuses_scripts(const RedisReply& reply) {
  if (!is_error(reply)) return false;
  const bool names_eval =
      reply.text.find("eval") != std::string::npos || reply.text.find("EVAL") != std::string::npos;
  return names_eval && (reply.text.starts_with("NOPERM") ||
                        reply.text.find("unknown command") != std::string::npos);
}

std::string in_quotes(const std::string& text) { return "\"" + sanitize(text, 100) + "\""; }

std::string named(const RedisFlagOptions& flag) {
  return flag.field.empty() ? "the key " + in_quotes(flag.key)
                            : "the field " + in_quotes(flag.field) + " of " + in_quotes(flag.key);
}

Error not_as_expected(const RedisFlagOptions& flag) {
  return {Error::Kind::conflict, named(flag) + " does not hold the expected value any more"};
}

}  // namespace

/// One connection under one deadline.
class RedisFlag::Session {
 public:
  Session(const RedisFlagOptions& options, std::stop_token stop)
      : options_(options), stop_(std::move(stop)), until_(options.deadline) {}

  Status connect() {
    auto connected = net::RedisConnection::connect(options_.url, until_.remaining(), stop_);
    if (!connected.ok()) return reached(connected.error());
    connection_ = std::move(connected).value();
    return Done{};
  }

  /// `changes`: after it was sent, a fault leaves open what was done.
  Result<std::vector<RedisReply>> ask(const std::vector<Command>& commands, bool changes) {
    auto replies = connection_->pipeline(commands, until_.remaining());
    if (replies.ok() && replies->size() == commands.size()) return replies;
    if (replies.ok()) return Error{Error::Kind::unavailable, "Redis: a reply is missing"};
    Error error = replies.error();
    error.kind = changes ? Error::Kind::ambiguous : Error::Kind::unavailable;
    return error;
  }

  [[nodiscard]] Command get() const {
    if (options_.field.empty()) return {"GET", options_.key};
    return {"HGET", options_.key, options_.field};
  }

 private:
  // Before the first command nothing can have changed.
  static Error reached(Error error) {
    const bool refused = error.kind == Error::Kind::failed || error.kind == Error::Kind::invalid;
    if (!refused) error.kind = Error::Kind::unavailable;
    return error;
  }

  const RedisFlagOptions& options_;
  const std::stop_token stop_;
  const net::Deadline until_;
  std::unique_ptr<net::RedisConnection> connection_;
};

RedisFlag::RedisFlag(RedisFlagOptions options) : options_(std::move(options)) {}

Result<Standing> RedisFlag::read(const rules::Order& /*order*/, std::stop_token stop) {
  Session session(options_, std::move(stop));
  if (const Status connected = session.connect(); !connected.ok()) return connected.error();
  const auto replies = session.ask({session.get()}, /*changes=*/false);
  if (!replies.ok()) return replies.error();
  const RedisReply& reply = replies->front();
  if (is_error(reply)) return error_of(reply);
  if (reply.kind != RedisReply::Kind::string) {
    return Standing{Standing::Kind::other, named(options_) + " is not there in Redis"};
  }
  const std::string detail = named(options_) + " holds " + in_quotes(reply.text);
  if (reply.text == options_.safe) return Standing{Standing::Kind::target, detail};
  if (reply.text == options_.expected) return Standing{Standing::Kind::expected, detail};
  return Standing{Standing::Kind::other, detail + ", which is neither of its two values"};
}

Status RedisFlag::apply(const rules::Order& /*order*/, std::stop_token stop) {
  Session session(options_, std::move(stop));
  if (Status connected = session.connect(); !connected.ok()) return connected;
  const auto replies = session.ask({{"EVAL", kCompareAndSet, "1", options_.key, options_.field,
                                     options_.expected, options_.safe, options_.channel}},
                                   /*changes=*/true);
  if (!replies.ok()) return replies.error();
  const RedisReply& reply = replies->front();
  if (refuses_scripts(reply)) return apply_by_watching(session);
  if (is_error(reply)) return error_of(reply);
  // The flag is set by then: no refusal, whatever an ACL says of the channel.
  if (reply.text.starts_with("untold")) {
    return Error{Error::Kind::ambiguous,
                 "the flag was set, and nobody was told: " + sanitize(reply.text, 300)};
  }
  if (reply.text == "conflict") return not_as_expected(options_);
  return Done{};
}

Status RedisFlag::apply_by_watching(Session& session) {
  const auto seen = session.ask({{"WATCH", options_.key}, session.get()}, /*changes=*/false);
  if (!seen.ok()) return seen.error();
  for (const RedisReply& reply : *seen) {
    if (is_error(reply)) return error_of(reply);
  }
  const RedisReply& now = seen->back();
  if (now.kind == RedisReply::Kind::string && now.text == options_.safe) return Done{};
  if (now.kind != RedisReply::Kind::string || now.text != options_.expected)
    return not_as_expected(options_);
  std::vector<Command> commands = {{"MULTI"}};
  if (options_.field.empty()) {
    commands.push_back({"SET", options_.key, options_.safe, "KEEPTTL"});
  } else {
    commands.push_back({"HSET", options_.key, options_.field, options_.safe});
  }
  if (!options_.channel.empty()) commands.push_back({"PUBLISH", options_.channel, options_.safe});
  commands.push_back({"EXEC"});
  const auto done = session.ask(commands, /*changes=*/true);
  if (!done.ok()) return done.error();
  // EXEC refuses the whole when one command could not be queued; that one says why.
  for (const RedisReply& reply : *done) {
    if (is_error(reply)) return error_of(reply);
  }
  const RedisReply& executed = done->back();
  if (executed.kind != RedisReply::Kind::array) {
    return Error{Error::Kind::conflict, named(options_) + " was changed while we looked"};
  }
  if (!executed.items.empty() && is_error(executed.items.front())) {
    return error_of(executed.items.front());
  }
  return Done{};
}

std::string RedisFlag::by_hand(const rules::Order& /*order*/) const {
  const std::string what =
      options_.field.empty()
          ? "SET " + in_quotes(options_.key) + " " + in_quotes(options_.safe) + " KEEPTTL"
          : "HSET " + in_quotes(options_.key) + " " + in_quotes(options_.field) + " " +
                in_quotes(options_.safe);
  return "redis-cli -u " + sanitize(options_.url.shown(), 200) + " " + what;
}

}  // namespace belay::monitor
