#include "monitor/sources/bullmq_server.h"

#include <set>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using net::RedisReply;

/// Of a server whose answers never end.
constexpr int kScanCallsMax = 1'000'000;

Result<RedisReply> ask(net::RedisConnection& connection, net::RedisConnection::Command command,
                       std::chrono::milliseconds deadline) {
  const std::string name = command.front();
  Result<std::vector<RedisReply>> replies = connection.pipeline({std::move(command)}, deadline);
  if (!replies) return replies.error();
  RedisReply& reply = replies->front();
  if (reply.kind == RedisReply::Kind::error) {
    return Error{.kind = Error::Kind::failed, .message = name + ": " + sanitize(reply.text, 200)};
  }
  return std::move(reply);
}

std::string glob_escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "*?[]\\^";
  std::string escaped;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::optional<std::string> info_field(std::string_view info, std::string_view field) {
  while (!info.empty()) {
    const std::size_t end = std::min(info.find('\n'), info.size());
    std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(field) && line.substr(field.size()).starts_with(':')) {
      return std::string(line.substr(field.size() + 1));
    }
  }
  return std::nullopt;
}

Result<std::string> read_run_id(net::RedisConnection& connection,
                                std::chrono::milliseconds deadline) {
  const Result<RedisReply> info = ask(connection, {"INFO", "server"}, deadline);
  if (!info) return info.error();
  return info_field(info->text, "run_id").value_or("");
}

Status check_replication(net::RedisConnection& connection, std::chrono::milliseconds deadline) {
  const Result<RedisReply> info = ask(connection, {"INFO", "replication"}, deadline);
  if (!info) return info.error();
  const std::optional<std::string> link = info_field(info->text, "master_link_status");
  if (link && *link != "up") {
    return Error{.kind = Error::Kind::unavailable,
                 .message = "a replica without its master: what it holds cannot be trusted"};
  }
  return Done{};
}

Result<std::vector<std::string>> discover_queues(net::RedisConnection& connection,
                                                 const std::string& prefix, std::size_t queues_max,
                                                 std::chrono::milliseconds deadline) {
  const std::string before = prefix + ":";
  constexpr std::string_view kAfter = ":meta";
  const std::string pattern = glob_escaped(before) + "*" + std::string(kAfter);
  std::set<std::string> found;
  std::string cursor = "0";
  for (int call = 0; call < kScanCallsMax; ++call) {
    const Result<RedisReply> page =
        ask(connection, {"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"}, deadline);
    if (!page) return page.error();
    if (page->items.size() != 2) break;
    for (const RedisReply& key : page->items[1].items) {
      const std::size_t around = before.size() + kAfter.size();
      if (key.text.size() <= around) continue;
      found.insert(key.text.substr(before.size(), key.text.size() - around));
    }
    if (found.size() > queues_max) {
      return Error{.kind = Error::Kind::failed,
                   .message = "more than " + std::to_string(queues_max) + " queues under \"" +
                              sanitize(prefix, 80) + "\": name the ones to watch"};
    }
    cursor = page->items[0].text;
    if (cursor == "0") return std::vector<std::string>(found.begin(), found.end());
  }
  return Error{.kind = Error::Kind::failed, .message = "SCAN does not come to an end"};
}

}  // namespace belay::monitor
