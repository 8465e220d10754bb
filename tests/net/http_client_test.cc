#include "net/http_client.h"

#include <atomic>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <httplib.h>

#include "tests/net/hanging_lookup.h"
#include "tests/support/eventually.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/tls_authority.h"

namespace belay::net {
namespace {

using namespace std::chrono_literals;
using test::PeerConnection;
using test::ScriptedPeer;
using Kind = HttpFault::Kind;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kEnd = "\r\n\r\n";

HttpResponse response_of(const HttpRequest& request) {
  const auto outcome = http_call(request);
  if (const auto* fault = std::get_if<HttpFault>(&outcome)) ADD_FAILURE() << fault->message;
  const auto* response = std::get_if<HttpResponse>(&outcome);
  return response != nullptr ? *response : HttpResponse{};
}

HttpFault fault_of(const HttpRequest& request, std::stop_token stop = {}) {
  const auto outcome = http_call(request, std::move(stop));
  const auto* fault = std::get_if<HttpFault>(&outcome);
  if (fault == nullptr) ADD_FAILURE() << "there was an answer";
  return fault != nullptr ? *fault : HttpFault{};
}

/// A peer that reads the request's head, then does the rest.
template <typename Rest>
ScriptedPeer::Script after_head(Rest rest) {
  return [rest](PeerConnection& peer) {
    if (peer.read_until(kEnd)) rest(peer);
  };
}

TEST(HttpClientTest, AnAnswerComesBackWhole) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) {
    connection.send(test::http_response(201, "made", "X-One: 1\r\nx-one:  2 \r\n"));
  }));
  const HttpResponse response = response_of({.url = peer.url("/a?b=c")});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "made");
  EXPECT_EQ(response.header("X-ONE"), "2");
  EXPECT_EQ(response.header("absent"), std::nullopt);
  EXPECT_FALSE(response.truncated);
  EXPECT_GT(response.total.count(), 0);
}

TEST(HttpClientTest, TheRequestIsSentAsItWasGiven) {
  std::string seen;
  ScriptedPeer peer([&seen](PeerConnection& connection) {
    if (!connection.read_until("payload")) return;
    seen = connection.received();
    connection.send(test::http_response(200, ""));
  });
  response_of({.method = "PUT",
               .url = peer.url("/x"),
               .headers = {{"X-Empty", ""}, {"X-Quoted", "a=\"b\""}},
               .body = "payload"});
  EXPECT_TRUE(seen.starts_with("PUT /x HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("\r\nX-Empty:\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("\r\nX-Quoted: a=\"b\"\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("\r\nContent-Length: 7\r\n"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Content-Type"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Expect"), std::string::npos) << seen;
}

TEST(HttpClientTest, ADrippingAnswerCannotStretchTheDeadline) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) {
    connection.drip(test::http_response(200, std::string(1000, 'x')), 20ms);
  }));
  const auto begin = SteadyClock::now();
  const HttpFault fault = fault_of({.url = peer.url(), .deadline = 300ms});
  EXPECT_EQ(fault.kind, Kind::timeout);
  EXPECT_TRUE(fault.sent);
  EXPECT_LT(SteadyClock::now() - begin, 2s);
}

TEST(HttpClientTest, AHandshakeThatNeverEndsCannotStretchTheDeadline) {
  ScriptedPeer peer([](PeerConnection& connection) { connection.hang(); });
  const auto begin = SteadyClock::now();
  const HttpFault fault =
      fault_of({.url = "https://127.0.0.1:" + std::to_string(peer.port()), .deadline = 300ms});
  EXPECT_EQ(fault.kind, Kind::timeout);
  EXPECT_FALSE(fault.sent);
  EXPECT_LT(SteadyClock::now() - begin, 2s);
}

TEST(HttpClientTest, ANameLookupThatHangsCannotStretchTheDeadline) {
  HangingLookup hanging;
  const auto begin = SteadyClock::now();
  const HttpFault fault =
      fault_of({.url = std::string("http://") + HangingLookup::kName + "/", .deadline = 300ms});
  EXPECT_EQ(fault.kind, Kind::timeout);
  EXPECT_FALSE(fault.sent);
  EXPECT_LT(SteadyClock::now() - begin, 2s);
}

/// The URL of a peer under a name that nobody can look up.
std::string url_of(const char* name, int port) {
  return std::string("http://") + name + ":" + std::to_string(port) + "/";
}

TEST(HttpClientTest, ANameThatCannotBeLookedUpIsCalledWhereItAnsweredLast) {
  HangingLookup hanging;
  std::atomic<int> posts = 0;
  ScriptedPeer peer([&posts](PeerConnection& connection) {
    if (!connection.read_until("once")) return;
    ++posts;
    connection.send(test::http_response(200, "there"));
  });
  for (const char* name : {HangingLookup::kName, "no-such-host.invalid"}) {
    LastGoodAddress answered;
    answered.keep("127.0.0.1");
    posts = 0;
    const HttpResponse response = response_of({.method = "POST",
                                               .url = url_of(name, peer.port()),
                                               .body = "once",
                                               .deadline = 20s,
                                               .last_good = &answered});
    EXPECT_EQ(response.body, "there") << name;
    EXPECT_EQ(posts, 1) << name;
  }
}

TEST(HttpClientTest, WhatWasSentIsNotSentAgainToTheLastGoodAddress) {
  std::atomic<int> connections = 0;
  ScriptedPeer peer(after_head([&connections](PeerConnection& connection) {
    ++connections;
    connection.reset();
  }));
  LastGoodAddress answered;
  answered.keep("127.0.0.1");
  const HttpFault fault = fault_of({.method = "POST",
                                    .url = url_of("localhost", peer.port()),
                                    .body = "once",
                                    .last_good = &answered});
  EXPECT_TRUE(fault.sent);
  EXPECT_EQ(connections, 1);
}

TEST(HttpClientTest, AnAnswerKeepsTheAddressAndALostOneDoesNot) {
  LastGoodAddress answered;
  ScriptedPeer silent(after_head([](PeerConnection& connection) { connection.reset(); }));
  fault_of({.url = silent.url(), .last_good = &answered});
  EXPECT_EQ(answered.get(), "");
  ScriptedPeer peer(after_head(
      [](PeerConnection& connection) { connection.send(test::http_response(200, "")); }));
  response_of({.url = peer.url(), .last_good = &answered});
  EXPECT_EQ(answered.get(), "127.0.0.1");
}

TEST(HttpClientTest, AHangingLookupLeavesNoMoreTimeThanTheDeadline) {
  HangingLookup hanging;
  ScriptedPeer peer([](PeerConnection& connection) { connection.hang(); });
  LastGoodAddress answered;
  answered.keep("127.0.0.1");
  const auto begin = SteadyClock::now();
  const HttpFault fault = fault_of({.url = url_of(HangingLookup::kName, peer.port()),
                                    .deadline = 600ms,
                                    .last_good = &answered});
  EXPECT_EQ(fault.kind, Kind::timeout);
  EXPECT_TRUE(fault.sent);
  EXPECT_NE(fault.message.find("where it answered last"), std::string::npos) << fault.message;
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST(HttpClientTest, AStopEndsTheCall) {
  std::stop_source stop;
  ScriptedPeer peer(after_head([&stop](PeerConnection& connection) {
    stop.request_stop();
    connection.hang();
  }));
  const auto begin = SteadyClock::now();
  const HttpFault fault = fault_of({.url = peer.url(), .deadline = 60s}, stop.get_token());
  EXPECT_EQ(fault.kind, Kind::stopped);
  EXPECT_TRUE(fault.sent);
  EXPECT_LT(SteadyClock::now() - begin, 5s);
}

TEST(HttpClientTest, AnUnknownNameIsADnsFault) {
  const HttpFault fault = fault_of({.url = "http://no-such-host.invalid/", .deadline = 20s});
  EXPECT_EQ(fault.kind, Kind::dns);
  EXPECT_FALSE(fault.sent);
}

TEST(HttpClientTest, AClosedPortIsRefused) {
  const HttpFault fault =
      fault_of({.url = "http://127.0.0.1:" + std::to_string(test::free_port()) + "/"});
  EXPECT_EQ(fault.kind, Kind::refused);
  EXPECT_EQ(fault.message, "cannot connect: Connection refused");
  EXPECT_FALSE(fault.sent);
}

TEST(HttpClientTest, AResetAfterTheRequestIsAmbiguous) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) { connection.reset(); }));
  const HttpFault fault = fault_of({.method = "POST", .url = peer.url(), .body = "x"});
  EXPECT_EQ(fault.kind, Kind::protocol);
  EXPECT_TRUE(fault.sent);
}

TEST(HttpClientTest, HalfAnAnswerIsAProtocolFault) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  }));
  EXPECT_EQ(fault_of({.url = peer.url()}).kind, Kind::protocol);
}

TEST(HttpClientTest, NoHttpAtAllIsAProtocolFault) {
  ScriptedPeer peer(after_head([](PeerConnection& c) { c.send("220 smtp ready\r\n"); }));
  EXPECT_EQ(fault_of({.url = peer.url()}).kind, Kind::protocol);
}

TEST(HttpClientTest, ABodyOverTheCapIsCut) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) {
    connection.send(test::http_response(200, std::string(1 << 20, 'x')));
  }));
  const HttpResponse response = response_of({.url = peer.url(), .body_bytes_max = 1000});
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.truncated);
  EXPECT_EQ(response.body, std::string(1000, 'x'));
}

TEST(HttpClientTest, EndlessHeadersEndTheCall) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) {
    bool open = connection.send("HTTP/1.1 200 OK\r\n");
    while (open) open = connection.send("X-Header: " + std::string(1000, 'x') + "\r\n");
  }));
  const HttpFault fault =
      fault_of({.url = peer.url(), .deadline = 60s, .header_bytes_max = 20'000});
  EXPECT_EQ(fault.kind, Kind::protocol);
  EXPECT_NE(fault.message.find("20000 bytes"), std::string::npos) << fault.message;
}

TEST(HttpClientTest, RedirectsAreNotFollowed) {
  ScriptedPeer peer(after_head([](PeerConnection& connection) {
    connection.send(test::http_response(302, "", "Location: /elsewhere\r\n"));
  }));
  EXPECT_EQ(response_of({.url = peer.url()}).status, 302);
  EXPECT_EQ(peer.connections(), 1);
}

TEST(HttpClientTest, WhatWouldBreakTheRequestApartIsInvalid) {
  const std::string url = "http://127.0.0.1:1/";
  EXPECT_EQ(fault_of({.url = url, .headers = {{"X", "a\r\nY: b"}}}).kind, Kind::invalid);
  EXPECT_EQ(fault_of({.url = url, .headers = {{"X", std::string("a\0b", 3)}}}).kind, Kind::invalid);
  EXPECT_EQ(fault_of({.url = url, .headers = {{"X: y\r\nZ", "a"}}}).kind, Kind::invalid);
  EXPECT_EQ(fault_of({.method = "GET / HTTP/1.1\r\nX:", .url = url}).kind, Kind::invalid);
  EXPECT_EQ(fault_of({.url = url + "a b"}).kind, Kind::invalid);
  EXPECT_EQ(fault_of({.url = "file:///etc/passwd"}).kind, Kind::invalid);
}

TEST(HttpClientTest, TheAddressesOfMetadataServicesAreNotConnectedTo) {
  for (const char* url : {"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/",
                          "http://[::ffff:169.254.169.254]/"}) {
    const HttpFault fault = fault_of({.url = url, .deadline = 2s});
    EXPECT_EQ(fault.kind, Kind::forbidden_address) << url;
    EXPECT_FALSE(fault.sent);
  }
}

TEST(HttpClientTest, ANameThatPointsAtAMetadataServiceIsSeenThrough) {
  HangingLookup hanging;
  LastGoodAddress answered;
  answered.keep("169.254.169.254");
  const HttpFault fault = fault_of({.url = std::string("http://") + HangingLookup::kName + "/",
                                    .deadline = 2s,
                                    .last_good = &answered});
  EXPECT_EQ(fault.kind, Kind::forbidden_address) << fault.message;
}

TEST(HttpClientTest, APeerThatGoesAwayRaisesNoSignal) {
  std::signal(SIGPIPE, SIG_DFL);
  ScriptedPeer peer(after_head([](PeerConnection& connection) { connection.reset(); }));
  fault_of({.method = "POST", .url = peer.url(), .body = std::string(8 << 20, 'x')});
}

/// cpp-httplib with a certificate, on 127.0.0.1 and a free port.
class TlsPeer {
 public:
  explicit TlsPeer(const test::TlsAuthority::Issued& issued)
      : server_(issued.certificate.c_str(), issued.key.c_str()) {
    server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("over tls", "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Its stop() does nothing before it runs.
    EXPECT_TRUE(test::eventually([this] { return server_.is_running(); }));
  }
  ~TlsPeer() {
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(port_) + "/";
  }

 private:
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

TEST(HttpClientTest, ACertificateOfATrustedAuthorityIsAccepted) {
  test::TlsAuthority authority;
  const TlsPeer peer(authority.issue());
  EXPECT_EQ(response_of({.url = peer.url(), .ca_file = authority.ca_file().string()}).body,
            "over tls");
  EXPECT_EQ(
      response_of({.url = peer.url("localhost"), .ca_file = authority.ca_file().string()}).body,
      "over tls");
}

TEST(HttpClientTest, AtTheLastGoodAddressTheCertificateMustStillBeOfTheName) {
  HangingLookup hanging;
  test::TlsAuthority authority;
  const TlsPeer named(authority.issue(std::string("DNS:") + HangingLookup::kName));
  const TlsPeer another(authority.issue());
  LastGoodAddress answered;
  answered.keep("127.0.0.1");
  const auto request_to = [&](const TlsPeer& peer) {
    return HttpRequest{.url = peer.url(HangingLookup::kName),
                       .deadline = 3s,
                       .ca_file = authority.ca_file().string(),
                       .last_good = &answered};
  };
  EXPECT_EQ(response_of(request_to(named)).body, "over tls");
  EXPECT_EQ(fault_of(request_to(another)).kind, Kind::tls);
}

TEST(HttpClientTest, EveryOtherCertificateIsATlsFault) {
  test::TlsAuthority authority;
  test::TlsAuthority stranger;
  const std::string ca_file = authority.ca_file().string();
  const TlsPeer foreign(stranger.issue());
  const TlsPeer expired(authority.issue_expired());
  const TlsPeer other_name(authority.issue("DNS:example.org"));
  for (const TlsPeer* peer : {&foreign, &expired, &other_name}) {
    const HttpFault fault = fault_of({.url = peer->url(), .ca_file = ca_file});
    EXPECT_EQ(fault.kind, Kind::tls) << fault.message;
    EXPECT_FALSE(fault.sent);
  }
  EXPECT_EQ(fault_of({.url = foreign.url()}).kind, Kind::tls);
}

}  // namespace
}  // namespace belay::net
