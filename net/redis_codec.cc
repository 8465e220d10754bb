#include "net/redis_codec.h"

#include <hiredis.h>

#include "base/sanitize.h"

namespace belay::net {
namespace {

using Kind = RedisReply::Kind;

// hiredis calls these through C code: they are noexcept, and refuse by returning null.

/// A place for the value of `task`: below its parent, or the root. The parent's items never move
/// while a child is being filled, because a sibling only comes when the child is complete.
RedisReply* place(const redisReadTask* task) noexcept {
  std::size_t& items_left = *static_cast<std::size_t*>(task->privdata);
  if (items_left == 0) return nullptr;
  --items_left;
  if (task->parent == nullptr) return new RedisReply;
  return &static_cast<RedisReply*>(task->parent->obj)->items.emplace_back();
}

void* create_string(const redisReadTask* task, char* text, std::size_t length) noexcept {
  RedisReply* reply = place(task);
  if (reply == nullptr) return nullptr;
  reply->kind = task->type == REDIS_REPLY_ERROR    ? Kind::error
                : task->type == REDIS_REPLY_STATUS ? Kind::status
                                                   : Kind::string;
  reply->text.assign(text, length);
  return reply;
}

/// hiredis 0.14 counts in int, 1.x in size_t.
template <typename Count>
void* create_array(const redisReadTask* task, Count /*announced*/) noexcept {
  RedisReply* reply = place(task);
  if (reply != nullptr) reply->kind = Kind::array;
  return reply;
}

void* create_integer(const redisReadTask* task, long long value) noexcept {
  RedisReply* reply = place(task);
  if (reply == nullptr) return nullptr;
  reply->kind = Kind::integer;
  reply->integer = value;
  return reply;
}

void* create_nil(const redisReadTask* task) noexcept { return place(task); }

void free_reply(void* root) noexcept { delete static_cast<RedisReply*>(root); }

redisReplyObjectFunctions functions() {
  redisReplyObjectFunctions all{};
  all.createString = &create_string;
  all.createArray = &create_array;
  all.createInteger = &create_integer;
  all.createNil = &create_nil;
  all.freeObject = &free_reply;
#if HIREDIS_MAJOR >= 1
  // RESP3 is never asked for; without these hiredis would hand out something that is no reply.
  all.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* {
    return nullptr;
  };
  all.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
#endif
  return all;
}

}  // namespace

std::string encode(const RedisConnection::Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const std::string& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* text = nullptr;
  const auto length =
      redisFormatCommandArgv(&text, static_cast<int>(command.size()), words.data(), lengths.data());
  BELAY_CHECK(length > 0, "no memory for a command");
  std::string encoded(text, static_cast<std::size_t>(length));
  redisFreeCommand(text);
  return encoded;
}

RedisDecoder::RedisDecoder() : reader_(nullptr, &redisReaderFree) {
  static redisReplyObjectFunctions our_functions = functions();
  reader_.reset(redisReaderCreateWithFunctions(&our_functions));
  BELAY_CHECK(reader_ != nullptr, "no memory for a reader");
  reader_->privdata = &items_left_;
}

RedisDecoder::~RedisDecoder() = default;

void RedisDecoder::restart() {
  bytes_ = 0;
  items_left_ = kItemsMax;
}

Status RedisDecoder::feed(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > kBytesMax) {
    return Error{.kind = Error::Kind::ambiguous,
                 .message = "the replies are larger than " + std::to_string(kBytesMax) + " bytes"};
  }
  BELAY_CHECK(redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK,
              "no memory for replies");
  return Done{};
}

Result<std::optional<RedisReply>> RedisDecoder::next() {
  void* root = nullptr;
  if (redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
    return Error{.kind = Error::Kind::ambiguous,
                 .message = items_left_ == 0 ? "the replies hold too many items"
                                             : "this is not Redis: " + sanitize(reader_->errstr)};
  }
  if (root == nullptr) return std::optional<RedisReply>{};
  const std::unique_ptr<RedisReply> owned(static_cast<RedisReply*>(root));
  return std::optional(std::move(*owned));
}

bool RedisDecoder::is_empty() const { return reader_->pos == reader_->len; }

}  // namespace belay::net
