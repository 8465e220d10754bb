#include "monitor/platform/redis_flag.h"

#include <gtest/gtest.h>

#include "tests/monitor/acting/records.h"
#include "tests/support/redis_server.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using net::RedisReply;

class RedisFlagTest : public testing::Test {
 protected:
  static net::RedisUrl url(const std::string& text) { return *net::RedisUrl::parse(text); }
  RedisFlagOptions options(const std::string& field = "") {
    return {.url = url(redis_.url()),
            .key = "flags:checkout",
            .field = field,
            .expected = "on",
            .safe = "off",
            .channel = "flags:changed",
            .deadline = 5s};
  }
  RedisReply ask(const net::RedisConnection::Command& command) {
    auto connection = net::RedisConnection::connect(url(redis_.url()), 5s);
    EXPECT_TRUE(connection.ok());
    const auto replies = (*connection)->pipeline({command}, 5s);
    EXPECT_TRUE(replies.ok());
    return replies->front();
  }
  Standing::Kind standing(const RedisFlagOptions& options) {
    const auto read = RedisFlag(options).read(order_, {});
    EXPECT_TRUE(read.ok()) << read.error().message;
    return read.ok() ? read->kind : Standing::Kind::ours;
  }

  test::RedisServer redis_{
      {.users = {"noscript on >pw ~* &* +@all -eval",
                 "nowrite on >pw ~* +get +hget +eval +select +ping",
                 "notell on >pw ~* &* +@all -publish", "nochannel on >pw ~* resetchannels +@all"}}};
  rules::Order order_ = test::rollback_order(1, from_unix_ms(1'795'000'000'000));
};

TEST_F(RedisFlagTest, SetsTheSafeValueAndKeepsTheTimeToLive) {
  ask({"SET", "flags:checkout", "on", "EX", "1000"});
  RedisFlag flag(options());
  EXPECT_EQ(standing(options()), Standing::Kind::expected);
  ASSERT_TRUE(flag.apply(order_, {}).ok());
  EXPECT_EQ(ask({"GET", "flags:checkout"}).text, "off");
  EXPECT_GT(ask({"TTL", "flags:checkout"}).integer, 900);
  EXPECT_EQ(standing(options()), Standing::Kind::target);
  EXPECT_TRUE(flag.apply(order_, {}).ok()) << "twice does no harm";
}

TEST_F(RedisFlagTest, WorksOnAFieldOfAHash) {
  ask({"HSET", "flags:checkout", "v2", "on", "other", "on"});
  ASSERT_TRUE(RedisFlag(options("v2")).apply(order_, {}).ok());
  EXPECT_EQ(ask({"HGET", "flags:checkout", "v2"}).text, "off");
  EXPECT_EQ(ask({"HGET", "flags:checkout", "other"}).text, "on");
  EXPECT_EQ(standing(options("v2")), Standing::Kind::target);
}

TEST_F(RedisFlagTest, AValueThatNobodyExpectedStays) {
  ask({"SET", "flags:checkout", "beta"});
  EXPECT_EQ(standing(options()), Standing::Kind::other);
  const auto applied = RedisFlag(options()).apply(order_, {});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind, Error::Kind::conflict);
  EXPECT_EQ(ask({"GET", "flags:checkout"}).text, "beta");
}

TEST_F(RedisFlagTest, AFlagThatIsNotThereIsNotOff) {
  EXPECT_EQ(standing(options()), Standing::Kind::other);
  const auto applied = RedisFlag(options()).apply(order_, {});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind, Error::Kind::conflict);
  EXPECT_EQ(ask({"EXISTS", "flags:checkout"}).integer, 0);
}

TEST_F(RedisFlagTest, AKeyOfAnotherTypeIsRefused) {
  ask({"LPUSH", "flags:checkout", "on"});
  const auto read = RedisFlag(options()).read(order_, {});
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind, Error::Kind::failed);
  const auto applied = RedisFlag(options()).apply(order_, {});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind, Error::Kind::failed);
}

TEST_F(RedisFlagTest, WithoutScriptsItWatchesInstead) {
  RedisFlagOptions watching = options();
  watching.url = url(redis_.url("noscript:pw@"));
  ask({"SET", "flags:checkout", "on", "EX", "1000"});
  const auto applied = RedisFlag(watching).apply(order_, {});
  ASSERT_TRUE(applied.ok()) << applied.error().message;
  EXPECT_EQ(ask({"GET", "flags:checkout"}).text, "off");
  EXPECT_GT(ask({"TTL", "flags:checkout"}).integer, 900);
  ask({"SET", "flags:checkout", "beta"});
  const auto refused = RedisFlag(watching).apply(order_, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, Error::Kind::conflict);
  EXPECT_EQ(ask({"GET", "flags:checkout"}).text, "beta");
}

TEST_F(RedisFlagTest, AUserWithoutTheRightToWriteIsRefusedAndNothingChanges) {
  RedisFlagOptions reader = options();
  reader.url = url(redis_.url("nowrite:pw@"));
  ask({"SET", "flags:checkout", "on"});
  const auto applied = RedisFlag(reader).apply(order_, {});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind, Error::Kind::failed) << applied.error().message;
  EXPECT_EQ(ask({"GET", "flags:checkout"}).text, "on");
}

TEST_F(RedisFlagTest, AFlagThatWasSetIsNoRefusalWhereNobodyMayBeTold) {
  for (const char* user : {"notell", "nochannel"}) {
    RedisFlagOptions mute = options();
    mute.url = url(redis_.url(std::string(user) + ":pw@"));
    ask({"SET", "flags:checkout", "on"});
    const auto applied = RedisFlag(mute).apply(order_, {});
    ASSERT_FALSE(applied.ok()) << user;
    EXPECT_EQ(applied.error().kind, Error::Kind::ambiguous) << applied.error().message;
    EXPECT_EQ(ask({"GET", "flags:checkout"}).text, "off") << user;
  }
}

TEST_F(RedisFlagTest, AReplicaAndADeadServerAreUnavailable) {
  ask({"SET", "flags:checkout", "on"});
  ask({"REPLICAOF", "127.0.0.1", "1"});
  const auto replica = RedisFlag(options()).apply(order_, {});
  ASSERT_FALSE(replica.ok());
  EXPECT_EQ(replica.error().kind, Error::Kind::unavailable) << replica.error().message;
  redis_.kill();
  const auto dead = RedisFlag(options()).apply(order_, {});
  ASSERT_FALSE(dead.ok());
  EXPECT_EQ(dead.error().kind, Error::Kind::unavailable) << dead.error().message;
}

TEST_F(RedisFlagTest, AServerThatHangsBeforeTheCommandHasSeenNothing) {
  RedisFlagOptions hasty = options();
  hasty.deadline = 200ms;
  redis_.pause();
  const auto applied = RedisFlag(hasty).apply(order_, {});
  redis_.resume();
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().kind, Error::Kind::unavailable);
}

TEST_F(RedisFlagTest, TellsPeopleWhatToTypeThemselvesWithoutThePassword) {
  RedisFlagOptions secret = options();
  secret.url = url("redis://user:hunter2@flags.example:6379");
  const std::string line = RedisFlag(secret).by_hand(order_);
  EXPECT_NE(line.find("SET \"flags:checkout\" \"off\" KEEPTTL"), std::string::npos) << line;
  EXPECT_EQ(line.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace belay::monitor
