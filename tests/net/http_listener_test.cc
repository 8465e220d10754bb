#include "net/http_listener.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/gzip.h"
#include "tests/support/scripted_peer.h"

namespace belay::net {
namespace {

using namespace std::chrono_literals;
using test::RawClient;
using SteadyClock = std::chrono::steady_clock;

/// Says what it was asked.
Outgoing echo(const Incoming& request) {
  return {.body = request.method + " " + request.path + " ?" + request.query + " " + request.body};
}

std::unique_ptr<HttpListener> listening(ListenerLimits limits = {},
                                        HttpListener::Respond respond = &echo) {
  auto listener = HttpListener::start("127.0.0.1:0", std::move(respond), limits);
  if (!listener) ADD_FAILURE() << listener.error().message;
  return std::move(listener).value();
}

/// What comes back for these bytes, until the listener ends the connection.
std::string answer_to(const HttpListener& listener, std::string_view bytes) {
  RawClient client(listener.port());
  client.send(bytes);
  client.read_to_end();
  return client.received();
}

std::string request(std::string_view method, std::string_view headers, std::string_view body = "") {
  return std::string(method) + " /x?q=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

bool has_status(const std::string& answer, int status) {
  return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

HttpResponse called(const HttpListener& listener, HttpRequest request) {
  request.url = "http://127.0.0.1:" + std::to_string(listener.port()) + request.url;
  const auto outcome = http_call(request);
  if (const auto* fault = std::get_if<HttpFault>(&outcome)) ADD_FAILURE() << fault->message;
  const auto* response = std::get_if<HttpResponse>(&outcome);
  return response != nullptr ? *response : HttpResponse{};
}

TEST(HttpListenerTest, ARequestArrivesWholeAndIsAnswered) {
  const auto listener = listening({}, [](const Incoming& incoming) {
    return Outgoing{
        .status = 202,
        .content_type = "application/json",
        .headers = {{"X-Seen", std::string(incoming.header("x-sent").value_or("no"))}},
        .body = incoming.peer + incoming.path + "|" + incoming.query + "|" + incoming.body};
  });
  const HttpResponse response = called(
      *listener,
      {.method = "POST", .url = "/a/b?c=d", .headers = {{"X-Sent", "v"}}, .body = "payload"});
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(response.header("X-Seen"), "v");
  EXPECT_EQ(response.body, "127.0.0.1/a/b|c=d|payload");
}

TEST(HttpListenerTest, AChunkedBodyArrivesWhole) {
  const auto listener = listening();
  EXPECT_EQ(body_of(answer_to(*listener, request("PUT", "Transfer-Encoding: chunked\r\n",
                                                 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"))),
            "PUT /x ?q=1 abcde");
}

TEST(HttpListenerTest, AHeadRequestGetsNoBody) {
  const auto listener = listening();
  const std::string answer = answer_to(*listener, request("HEAD", ""));
  EXPECT_NE(answer.find("Content-Length: 13\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpListenerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  const auto listener = listening();
  const std::string one = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nAB";
  const std::string two = "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string answer = answer_to(*listener, one + two + two + request("GET", ""));
  const std::size_t first = answer.find("POST /1 ? AB");
  const std::size_t second = answer.find("GET /2 ? ");
  ASSERT_NE(first, std::string::npos) << answer;
  ASSERT_NE(second, std::string::npos) << answer;
  EXPECT_LT(first, second);
  EXPECT_NE(answer.find("GET /x ?q=1"), std::string::npos) << answer;
}

TEST(HttpListenerTest, ABodyIsAskedForWhenItsSenderWaits) {
  const auto listener = listening();
  RawClient client(listener->port());
  client.send(request("POST", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
  ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("late");
  EXPECT_TRUE(client.read_until("POST /x ?q=1 late"));
}

TEST(HttpListenerTest, ABodyThatIsTooLargeIsNotAskedFor) {
  const auto listener = listening({.body_bytes_max = 10});
  const std::string answer =
      answer_to(*listener, request("POST", "Content-Length: 11\r\nExpect: 100-continue\r\n"));
  EXPECT_TRUE(has_status(answer, 413)) << answer;
}

TEST(HttpListenerTest, WhatExceedsALimitGetsItsStatus) {
  const auto listener = listening({.header_bytes_max = 1000, .body_bytes_max = 100});
  const std::string large(5000, 'x');
  EXPECT_TRUE(has_status(answer_to(*listener, request("GET", "X: " + large + "\r\n")), 431));
  EXPECT_TRUE(has_status(answer_to(*listener, "GET /" + large + " HTTP/1.1\r\n\r\n"), 431));
  EXPECT_TRUE(
      has_status(answer_to(*listener, request("POST", "Content-Length: 5000\r\n", large)), 413));
  EXPECT_TRUE(has_status(answer_to(*listener, request("POST", "Transfer-Encoding: chunked\r\n",
                                                      "1388\r\n" + large + "\r\n0\r\n\r\n")),
                         413));
  EXPECT_TRUE(has_status(
      answer_to(*listener, request("POST", "Content-Encoding: br\r\nContent-Length: 1\r\n", "x")),
      415));
}

TEST(HttpListenerTest, AnEndlessHeaderIsCutOff) {
  const auto listener = listening();
  RawClient client(listener->port());
  client.send("GET / HTTP/1.1\r\nX: ");
  int sent = 0;
  while (client.send(std::string(64 * 1024, 'x')) && ++sent < 10'000) {
  }
  EXPECT_LT(sent, 10'000);
}

TEST(HttpListenerTest, WhatIsNoHttpIsABadRequest) {
  const auto listener = listening();
  for (const char* bytes :
       {"\x16\x03\x01\x02\x01 nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n"}) {
    EXPECT_TRUE(has_status(answer_to(*listener, bytes), 400)) << bytes;
  }
}

TEST(HttpListenerTest, WhereABodyEndsMustBeBeyondDoubt) {
  const auto listener = listening();
  for (const char* headers :
       {"Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Host: other\r\n"}) {
    const std::string answer = answer_to(
        *listener,
        "POST /x HTTP/1.1\r\nHost: h\r\n" + std::string(headers) +
            "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(has_status(answer, 400)) << headers;
    EXPECT_EQ(answer.find("/smuggled"), std::string::npos) << headers;
  }
}

TEST(HttpListenerTest, AGzippedBodyArrivesInflated) {
  const auto listener = listening();
  EXPECT_EQ(called(*listener, {.method = "POST",
                               .url = "/z",
                               .headers = {{"Content-Encoding", "gzip"}},
                               .body = test::gzip("unpacked")})
                .body,
            "POST /z ? unpacked");
}

TEST(HttpListenerTest, AGzipBombIsRefused) {
  const auto listener = listening();
  HttpRequest bomb{.method = "POST",
                   .url = "/",
                   .headers = {{"Content-Encoding", "gzip"}},
                   .body = test::gzip(std::string(100 << 20, '\0'))};
  EXPECT_EQ(called(*listener, bomb).status, 413);
  bomb.body = "not gzip";
  EXPECT_EQ(called(*listener, bomb).status, 400);
}

TEST(HttpListenerTest, ADrippingRequestCannotStretchItsDeadline) {
  const auto listener = listening({.read_deadline = 200ms});
  RawClient client(listener->port());
  const auto begin = SteadyClock::now();
  client.drip("GET / HTTP/1.1\r\nX-Long: " + std::string(100, 'x'), 20ms);
  client.read_to_end();
  EXPECT_TRUE(has_status(client.received(), 408)) << client.received();
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST(HttpListenerTest, AnIdleConnectionIsClosed) {
  const auto listener = listening({.idle_deadline = 50ms});
  EXPECT_EQ(answer_to(*listener, ""), "");
}

TEST(HttpListenerTest, AThousandHalfOpenConnectionsDoNotStopOthers) {
  const auto listener = listening();
  std::vector<std::unique_ptr<RawClient>> half_open;
  for (int which = 0; which < 1000; ++which) {
    half_open.push_back(std::make_unique<RawClient>(listener->port()));
    half_open.back()->send("GET / HTTP/1.1\r\nX");
  }
  for (int call = 0; call < 20; ++call) {
    EXPECT_EQ(called(*listener, {.url = "/alive", .deadline = 5s}).status, 200);
  }
}

TEST(HttpListenerTest, WhenEveryConnectionIsBeingAnsweredOthersAreTurnedAway) {
  // More than the sockets take, and made soon: in a second a peer that does not read gives way.
  const auto listener = listening({.connections_max = 2}, [](const Incoming&) {
    return Outgoing{.body = std::string(16 << 20, 'x')};
  });
  std::vector<std::unique_ptr<RawClient>> not_reading;
  for (int which = 0; which < 2; ++which) {
    not_reading.push_back(std::make_unique<RawClient>(listener->port()));
    not_reading.back()->send(request("GET", ""));
    ASSERT_TRUE(not_reading.back()->read_until("HTTP/1.1 200 OK"));
  }
  const std::string answer = answer_to(*listener, "");
  EXPECT_TRUE(has_status(answer, 503)) << answer;
}

TEST(HttpListenerTest, AnAnswerThatWouldBreakApartIsNotSent) {
  const auto listener = listening({}, [](const Incoming&) {
    return Outgoing{.headers = {{"X", "a\r\nSet-Cookie: stolen"}}, .body = "x"};
  });
  const std::string answer = answer_to(*listener, request("GET", ""));
  EXPECT_TRUE(has_status(answer, 500)) << answer;
  EXPECT_EQ(answer.find("stolen"), std::string::npos);
}

TEST(HttpListenerTest, AThrowingAnswerIsAnInternalError) {
  const auto listener = listening(
      {}, [](const Incoming&) -> Outgoing { throw std::runtime_error("secret of the inside"); });
  const std::string answer = answer_to(*listener, request("GET", ""));
  EXPECT_TRUE(has_status(answer, 500)) << answer;
  EXPECT_EQ(answer.find("secret"), std::string::npos) << answer;
}

TEST(HttpListenerTest, ItsEndClosesIdleAndHalfOpenConnections) {
  auto listener = listening();
  RawClient idle(listener->port());
  RawClient half_open(listener->port());
  half_open.send("GET / HTTP/1.1\r\nX");
  EXPECT_EQ(called(*listener, {.url = "/"}).status, 200);
  const auto begin = SteadyClock::now();
  listener.reset();
  EXPECT_LT(SteadyClock::now() - begin, 4s);
  idle.read_to_end();
  half_open.read_to_end();
}

TEST(HttpListenerTest, WhatIsUnderWayIsAnsweredBeforeTheEnd) {
  std::atomic<bool> asked = false;
  auto listener = listening({}, [&asked](const Incoming&) {
    asked = true;
    asked.notify_all();
    return Outgoing{.body = std::string(4 << 20, 'x')};
  });
  RawClient client(listener->port());
  client.send(request("GET", ""));
  asked.wait(false);
  std::thread end([&listener] { listener.reset(); });
  client.read_to_end();
  end.join();
  EXPECT_EQ(body_of(client.received()).size(), 4U << 20U);
}

TEST(HttpListenerTest, AnAddressThatCannotBeListenedOnIsSaidSo) {
  const auto listener = listening();
  const std::string taken = "127.0.0.1:" + std::to_string(listener->port());
  const auto again = HttpListener::start(taken, &echo);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find(taken), std::string::npos) << again.error().message;
  for (const char* address : {"", "8080", "localhost:80", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                              "[127.0.0.1]:80", "127.0.0.1:80x"}) {
    const auto refused = HttpListener::start(address, &echo);
    ASSERT_FALSE(refused.ok()) << address;
    EXPECT_EQ(refused.error().kind, Error::Kind::invalid) << address;
  }
}

TEST(HttpListenerTest, Ipv6IsListenedOnInBrackets) {
  const auto listener = HttpListener::start("[::1]:0", &echo);
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  const auto outcome =
      http_call({.url = "http://[::1]:" + std::to_string(listener.value()->port()) + "/six"});
  ASSERT_TRUE(std::holds_alternative<HttpResponse>(outcome));
  EXPECT_EQ(std::get<HttpResponse>(outcome).body, "GET /six ? ");
}

}  // namespace
}  // namespace belay::net
