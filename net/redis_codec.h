#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/redis.h"

struct redisReader;

namespace belay::net {

/// One command as RESP.
std::string encode(const RedisConnection::Command& command);

/// Bytes -> replies, RESP2, by hiredis. What a server sends cannot make it grow without bound:
/// bytes and items are counted from one restart() to the next, and hiredis bounds the nesting.
class RedisDecoder {
 public:
  static constexpr std::size_t kBytesMax = 64 * 1024 * 1024;
  static constexpr std::size_t kItemsMax = 1'000'000;

  RedisDecoder();
  ~RedisDecoder();
  RedisDecoder(const RedisDecoder&) = delete;
  RedisDecoder& operator=(const RedisDecoder&) = delete;

  /// A new pipeline begins: its replies are counted from zero.
  void restart();
  Status feed(std::string_view bytes);
  /// The next whole reply; nothing if more bytes are needed. After an error the decoder is of no
  /// use.
  Result<std::optional<RedisReply>> next();
  /// Nothing of a further reply has come.
  [[nodiscard]] bool is_empty() const;

 private:
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::size_t bytes_ = 0;
  std::size_t items_left_ = kItemsMax;  ///< hiredis' callbacks count it down.
};

}  // namespace belay::net
