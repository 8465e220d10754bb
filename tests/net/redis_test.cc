#include "net/redis.h"

#include <csignal>

#include <gtest/gtest.h>

#include "tests/net/hanging_lookup.h"
#include "tests/support/redis_server.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/tls_authority.h"

namespace belay::net {
namespace {

using namespace std::chrono_literals;
using test::PeerConnection;
using test::RedisServer;
using test::ScriptedPeer;
using test::TlsAuthority;
using Kind = RedisReply::Kind;
using SteadyClock = std::chrono::steady_clock;
using Connected = Result<std::unique_ptr<RedisConnection>>;

constexpr auto kAmple = 20s;

Connected connect(const std::string& url, std::chrono::milliseconds deadline = kAmple) {
  return RedisConnection::connect(RedisUrl::parse(url).value(), deadline);
}

Connected connect_with_ca(const std::string& url, const std::string& ca_file) {
  RedisUrl parsed = RedisUrl::parse(url).value();
  parsed.ca_file = ca_file;
  return RedisConnection::connect(parsed, kAmple);
}

RedisReply ask(RedisConnection& connection, const RedisConnection::Command& command) {
  auto replies = connection.pipeline({command}, kAmple);
  if (!replies) ADD_FAILURE() << replies.error().message;
  return replies ? replies->front() : RedisReply{};
}

TEST(RedisTest, APipelineIsAnsweredInItsOrder) {
  RedisServer server;
  Connected connection = connect(server.url());
  ASSERT_TRUE(connection.ok()) << connection.error().message;
  const auto replies = connection.value()->pipeline({{"SET", "key", "value"},
                                                     {"GET", "key"},
                                                     {"GET", "none"},
                                                     {"LLEN", "key"},
                                                     {"RPUSH", "list", "a", "b"},
                                                     {"LRANGE", "list", "0", "-1"}},
                                                    kAmple);
  ASSERT_TRUE(replies.ok()) << replies.error().message;
  ASSERT_EQ(replies->size(), 6U);
  EXPECT_EQ((*replies)[0].kind, Kind::status);
  EXPECT_EQ((*replies)[1].text, "value");
  EXPECT_EQ((*replies)[2].kind, Kind::nil);
  EXPECT_EQ((*replies)[3].kind, Kind::error);
  EXPECT_TRUE((*replies)[3].text.starts_with("WRONGTYPE")) << (*replies)[3].text;
  EXPECT_EQ((*replies)[4].integer, 2);
  ASSERT_EQ((*replies)[5].items.size(), 2U);
  EXPECT_EQ((*replies)[5].items[1].text, "b");
}

TEST(RedisTest, ALargePipelineFlowsBothWays) {
  RedisServer server;
  Connected connection = connect(server.url());
  ASSERT_TRUE(connection.ok());
  const std::string large(64 * 1024, 'x');
  const std::vector<RedisConnection::Command> commands(500, {"ECHO", large});
  const auto replies = connection.value()->pipeline(commands, kAmple);
  ASSERT_TRUE(replies.ok()) << replies.error().message;
  ASSERT_EQ(replies->size(), commands.size());
  EXPECT_EQ(replies->back().text, large);
}

TEST(RedisTest, TheDatabaseOfTheUrlIsUsed) {
  RedisServer server;
  Connected third = connect(server.url() + "/3");
  Connected first = connect(server.url());
  ASSERT_TRUE(third.ok() && first.ok());
  ask(*third.value(), {"SET", "key", "value"});
  EXPECT_EQ(ask(*first.value(), {"GET", "key"}).kind, Kind::nil);
  EXPECT_FALSE(connect(server.url() + "/99").ok());
}

TEST(RedisTest, APasswordIsUsedAndNeverTold) {
  RedisServer server({.password = "hunter2"});
  EXPECT_TRUE(connect(server.url(":hunter2@")).ok());
  const Connected none = connect(server.url());
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind, Error::Kind::failed);
  EXPECT_NE(none.error().message.find("NOAUTH"), std::string::npos) << none.error().message;
  const Connected wrong = connect(server.url(":hunter3@"));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().kind, Error::Kind::failed);
  EXPECT_NE(wrong.error().message.find("WRONGPASS"), std::string::npos) << wrong.error().message;
  EXPECT_EQ(wrong.error().message.find("hunter"), std::string::npos) << wrong.error().message;
}

TEST(RedisTest, AServerThatKnowsNoAuthDoesNotTellThePasswordEither) {
  RedisServer server({.more = {"--rename-command", "AUTH", ""}});
  const Connected refused = connect(server.url(":hunter2@"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, Error::Kind::failed);
  EXPECT_NE(refused.error().message.find("unknown command"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(refused.error().message.find("hunter"), std::string::npos) << refused.error().message;
}

TEST(RedisTest, AUserHasItsOwnRights) {
  RedisServer server(
      {.users = {"reader on >pw ~bull:* +@read +@connection -@dangerous +info +time"}});
  Connected connection = connect(server.url("reader:pw@"));
  ASSERT_TRUE(connection.ok()) << connection.error().message;
  EXPECT_EQ(ask(*connection.value(), {"LLEN", "bull:a:wait"}).kind, Kind::integer);
  EXPECT_TRUE(ask(*connection.value(), {"LLEN", "other"}).text.starts_with("NOPERM"));
  EXPECT_TRUE(ask(*connection.value(), {"SET", "bull:a", "x"}).text.starts_with("NOPERM"));
}

TEST(RedisTest, TlsIsVerifiedAgainstNameAndAddress) {
  TlsAuthority authority;
  RedisServer server({.authority = &authority});
  const std::string ca_file = authority.ca_file().string();
  Connected by_address = connect_with_ca(server.url(), ca_file);
  ASSERT_TRUE(by_address.ok()) << by_address.error().message;
  EXPECT_EQ(ask(*by_address.value(), {"PING"}).text, "PONG");
  const std::string named = "rediss://localhost:" + std::to_string(server.port());
  EXPECT_TRUE(connect_with_ca(named, ca_file).ok());
  const Connected unknown_authority = connect(server.url());
  ASSERT_FALSE(unknown_authority.ok());
  EXPECT_EQ(unknown_authority.error().kind, Error::Kind::unavailable);
  EXPECT_NE(unknown_authority.error().message.find("self-signed"), std::string::npos)
      << unknown_authority.error().message;
}

TEST(RedisTest, ACertificateForAnotherHostIsRefused) {
  TlsAuthority authority;
  RedisServer server({.authority = &authority, .certificate_names = "DNS:example.org"});
  const std::string ca_file = authority.ca_file().string();
  const Connected by_address = connect_with_ca(server.url(), ca_file);
  ASSERT_FALSE(by_address.ok());
  EXPECT_NE(by_address.error().message.find("IP address mismatch"), std::string::npos)
      << by_address.error().message;
  const Connected by_name =
      connect_with_ca("rediss://localhost:" + std::to_string(server.port()), ca_file);
  ASSERT_FALSE(by_name.ok());
  EXPECT_NE(by_name.error().message.find("hostname mismatch"), std::string::npos)
      << by_name.error().message;
}

TEST(RedisTest, ALargePipelineFlowsBothWaysOverTls) {
  TlsAuthority authority;
  RedisServer server({.authority = &authority});
  Connected connection = connect_with_ca(server.url(), authority.ca_file().string());
  ASSERT_TRUE(connection.ok());
  const std::vector<RedisConnection::Command> commands(100, {"ECHO", std::string(64 * 1024, 'x')});
  const auto replies = connection.value()->pipeline(commands, kAmple);
  ASSERT_TRUE(replies.ok()) << replies.error().message;
  EXPECT_EQ(replies->size(), commands.size());
}

TEST(RedisTest, TlsToAPlainPortFailsWithinTheDeadline) {
  RedisServer server;
  const auto begin = SteadyClock::now();
  EXPECT_FALSE(connect("rediss://127.0.0.1:" + std::to_string(server.port()), 500ms).ok());
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST(RedisTest, AStoppedServerTimesOut) {
  RedisServer server;
  Connected connection = connect(server.url());
  ASSERT_TRUE(connection.ok());
  server.pause();
  const auto begin = SteadyClock::now();
  const auto replies = connection.value()->pipeline({{"PING"}}, 300ms);
  ASSERT_FALSE(replies.ok());
  EXPECT_EQ(replies.error().kind, Error::Kind::timeout);
  const Connected second = connect(server.url(), 300ms);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, Error::Kind::timeout);
  EXPECT_LT(SteadyClock::now() - begin, 5s);
  server.resume();
  // The late reply must not be taken for another command's.
  const auto after = connection.value()->pipeline({{"PING"}}, kAmple);
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().kind, Error::Kind::unavailable);
  EXPECT_TRUE(connect(server.url()).ok());
}

TEST(RedisTest, AServerThatIsGoneIsUnavailableOrAmbiguous) {
  RedisServer server;
  Connected connection = connect(server.url());
  ASSERT_TRUE(connection.ok());
  server.kill();
  EXPECT_FALSE(connection.value()->pipeline({{"PING"}}, kAmple).ok());
  const Connected again = connect(server.url());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, Error::Kind::unavailable);
  server.start();
  EXPECT_TRUE(connect(server.url()).ok());
}

/// Greets properly, then does the rest.
template <typename Rest>
ScriptedPeer::Script after_greeting(Rest rest) {
  return [rest](PeerConnection& peer) {
    if (peer.read_until("PING\r\n") && peer.send("+PONG\r\n")) rest(peer);
  };
}

std::string url_of(const ScriptedPeer& peer) {
  return "redis://127.0.0.1:" + std::to_string(peer.port());
}

TEST(RedisTest, ADrippingServerCannotStretchTheDeadline) {
  ScriptedPeer peer(after_greeting([](PeerConnection& connection) {
    if (!connection.read_until("GET")) return;
    connection.drip("$1000\r\n" + std::string(1000, 'x'), 20ms);
  }));
  Connected connection = connect(url_of(peer));
  ASSERT_TRUE(connection.ok());
  const auto begin = SteadyClock::now();
  const auto replies = connection.value()->pipeline({{"GET", "a"}}, 300ms);
  ASSERT_FALSE(replies.ok());
  EXPECT_EQ(replies.error().kind, Error::Kind::timeout);
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST(RedisTest, AServerThatGoesAwayHalfWayIsAmbiguous) {
  ScriptedPeer peer(after_greeting([](PeerConnection& connection) {
    if (connection.read_until("GET")) connection.send("$1000\r\nhalf");
  }));
  Connected connection = connect(url_of(peer));
  ASSERT_TRUE(connection.ok());
  const auto replies = connection.value()->pipeline({{"GET", "a"}}, kAmple);
  ASSERT_FALSE(replies.ok());
  EXPECT_EQ(replies.error().kind, Error::Kind::ambiguous);
}

TEST(RedisTest, AnEndlessReplyEndsTheConnection) {
  ScriptedPeer peer(after_greeting([](PeerConnection& connection) {
    bool open = connection.read_until("GET") && connection.send("*1000000000\r\n");
    while (open) open = connection.send("$10000\r\n" + std::string(10'000, 'x') + "\r\n");
  }));
  Connected connection = connect(url_of(peer));
  ASSERT_TRUE(connection.ok());
  const auto replies = connection.value()->pipeline({{"GET", "a"}}, 60s);
  ASSERT_FALSE(replies.ok());
  EXPECT_NE(replies.error().message.find("larger than"), std::string::npos)
      << replies.error().message;
}

TEST(RedisTest, MoreRepliesThanCommandsEndTheConnection) {
  ScriptedPeer peer(after_greeting([](PeerConnection& connection) {
    if (connection.read_until("GET")) connection.send("+one\r\n+two\r\n");
    connection.hang();
  }));
  Connected connection = connect(url_of(peer));
  ASSERT_TRUE(connection.ok());
  EXPECT_FALSE(connection.value()->pipeline({{"GET", "a"}}, kAmple).ok());
}

TEST(RedisTest, AStopEndsTheWait) {
  std::stop_source stop;
  ScriptedPeer peer([&stop](PeerConnection& connection) {
    stop.request_stop();
    connection.hang();
  });
  const auto begin = SteadyClock::now();
  EXPECT_FALSE(
      RedisConnection::connect(RedisUrl::parse(url_of(peer)).value(), 60s, stop.get_token()).ok());
  EXPECT_LT(SteadyClock::now() - begin, 10s);
}

TEST(RedisTest, ANameLookupThatHangsCannotStretchTheDeadline) {
  HangingLookup hanging;
  const auto begin = SteadyClock::now();
  const Connected connection = connect(std::string("redis://") + HangingLookup::kName, 300ms);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().kind, Error::Kind::timeout);
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST(RedisTest, AnUnknownNameIsUnavailable) {
  const Connected connection = connect("redis://no-such-host.invalid");
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().kind, Error::Kind::unavailable);
}

}  // namespace
}  // namespace belay::net
