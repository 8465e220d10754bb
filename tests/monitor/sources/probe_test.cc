#include "monitor/sources/probe.h"

#include <atomic>

#include <gtest/gtest.h>
#include <httplib.h>

#include "monitor/sources/cadence.h"
#include "tests/monitor/sources/source_run.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/tls_authority.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::Probe;
using rules::ProbeFailure;
using rules::SourceHealth;
using rules::SourceState;
using test::PeerConnection;
using test::ScriptedPeer;

constexpr rules::SourceId kSource{3};

ProbeOptions options_for(std::string url) {
  return {.source = kSource, .request = {.url = std::move(url), .deadline = 5s}, .every = 10ms};
}

/// Answers every request so.
ScriptedPeer::Script answering(int status, std::string body) {
  return [status, body](PeerConnection& peer) {
    if (peer.read_until("\r\n\r\n")) peer.send(test::http_response(status, body));
  };
}

Probe first_probe(ProbeOptions options) {
  ProbeSource source(std::move(options));
  SourceRun run(source, kSource);
  const std::vector<Probe> probes = run.at_least<Probe>(1);
  if (probes.empty()) ADD_FAILURE() << "no probe";
  return probes.empty() ? Probe{} : probes.front();
}

TEST(ProbeSourceTest, AHealthyAnswerPasses) {
  ScriptedPeer peer(answering(200, R"({"status":"ok"})"));
  ProbeOptions options = options_for(peer.url("/healthz"));
  options.expectation = {.statuses = {200}, .json_path = "status", .json_equals = "ok"};
  const Probe probe = first_probe(options);
  EXPECT_EQ(probe.source, kSource);
  EXPECT_EQ(probe.failure, ProbeFailure::none);
  EXPECT_EQ(probe.status, 200);
  EXPECT_EQ(probe.detail, rules::kNoText);
  EXPECT_EQ(probe.version, rules::kNoText);
  ASSERT_TRUE(probe.latency_us.has_value());
  EXPECT_GT(*probe.latency_us, 0U);
}

TEST(ProbeSourceTest, AWrongStatusOrBodyFailsWithItsReason) {
  ScriptedPeer broken(answering(503, ""));
  ProbeSource source(options_for(broken.url()));
  SourceRun run(source, kSource);
  const Probe probe = run.at_least<Probe>(1).at(0);
  EXPECT_EQ(probe.failure, ProbeFailure::status);
  EXPECT_EQ(probe.status, 503);
  EXPECT_EQ(run.text(probe.detail), "status 503");
  ScriptedPeer other(answering(200, "maintenance"));
  ProbeOptions options = options_for(other.url());
  options.expectation.body_contains = "ready";
  EXPECT_EQ(first_probe(options).failure, ProbeFailure::body);
}

TEST(ProbeSourceTest, AMetadataServiceIsNotProbedAndAPrivateAddressIs) {
  ProbeSource source(options_for("http://169.254.169.254/latest/meta-data/"));
  SourceRun run(source, kSource);
  const SourceState state = run.at_least<SourceState>(1).at(0);
  EXPECT_EQ(state.health, SourceHealth::down);
  EXPECT_NE(state.detail.find("where clouds keep credentials"), std::string::npos) << state.detail;
  ScriptedPeer redirecting([](PeerConnection& peer) {
    if (peer.read_until("\r\n\r\n"))
      peer.send(test::http_response(302, "", "Location: http://169.254.169.254/\r\n"));
  });
  const Probe probe = first_probe(options_for(redirecting.url()));
  EXPECT_EQ(probe.status, 302) << "what loopback says, and not what it points at";
}

TEST(ProbeSourceTest, NoAnswerIsToldApartByItsKind) {
  EXPECT_EQ(first_probe(options_for("http://no-such-host.invalid/")).failure, ProbeFailure::dns);
  const std::string closed = "http://127.0.0.1:" + std::to_string(test::free_port());
  const Probe refused = first_probe(options_for(closed));
  EXPECT_EQ(refused.failure, ProbeFailure::refused);
  EXPECT_FALSE(refused.latency_us.has_value());
  ScriptedPeer cut_off([](PeerConnection& peer) { peer.read_until("\r\n\r\n"); });
  EXPECT_EQ(first_probe(options_for(cut_off.url())).failure, ProbeFailure::other);
}

TEST(ProbeSourceTest, ADrippingAnswerIsATimeout) {
  ScriptedPeer peer([](PeerConnection& connection) {
    if (!connection.read_until("\r\n\r\n")) return;
    connection.drip(test::http_response(200, std::string(10'000, 'x')), 10ms);
  });
  ProbeOptions options = options_for(peer.url());
  options.request.deadline = 100ms;
  ProbeSource source(options);
  SourceRun run(source, kSource);
  for (const Probe& probe : run.at_least<Probe>(3)) {
    EXPECT_EQ(probe.failure, ProbeFailure::timeout);
  }
}

TEST(ProbeSourceTest, ACertificateOfAStrangerIsATlsFailure) {
  test::TlsAuthority authority;
  const auto issued = authority.issue();
  httplib::SSLServer server(issued.certificate.c_str(), issued.key.c_str());
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ready", "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&server] { server.listen_after_bind(); });
  ASSERT_TRUE(test::eventually([&server] { return server.is_running(); }));
  ProbeOptions options = options_for("https://127.0.0.1:" + std::to_string(port) + "/");
  EXPECT_EQ(first_probe(options).failure, ProbeFailure::tls);
  options.request.ca_file = authority.ca_file().string();
  EXPECT_EQ(first_probe(options).failure, ProbeFailure::none);
  server.stop();
  serving.join();
}

TEST(ProbeSourceTest, TheRequestIsAsConfigured) {
  std::atomic<bool> seen = false;
  ScriptedPeer peer([&seen](PeerConnection& connection) {
    if (!connection.read_until("ping")) return;
    const std::string& received = connection.received();
    seen = received.starts_with("POST /deep HTTP/1.1\r\n") &&
           received.find("\r\nX-Probe: belay\r\n") != std::string::npos;
    connection.send(test::http_response(200, ""));
  });
  ProbeOptions options = options_for(peer.url("/deep"));
  options.request.method = "POST";
  options.request.headers = {{"X-Probe", "belay"}};
  options.request.body = "ping";
  EXPECT_EQ(first_probe(options).failure, ProbeFailure::none);
  EXPECT_TRUE(seen);
}

/// Says which version it was aimed at, as a Worker would, in its answer.
void answer_as_aimed(PeerConnection& peer) {
  if (!peer.read_until("\r\n\r\n")) return;
  constexpr std::string_view kBefore = "Overrides: shop=\"";
  const std::size_t at = peer.received().find(kBefore);
  const std::string rest =
      at == std::string::npos ? "" : peer.received().substr(at + kBefore.size());
  const std::string version = rest.substr(0, rest.find('"'));
  // A version that is not deployed is ignored without a word.
  peer.send(
      test::http_response(200, R"({"version":")" + (version == "v9" ? "v1" : version) + "\"}"));
}

TEST(ProbeSourceTest, EachVersionIsAimedAtByItsHeader) {
  ScriptedPeer peer(&answer_as_aimed);
  ProbeOptions options = options_for(peer.url());
  options.versions = [] { return std::vector<std::string>{"v1", "v2"}; };
  options.version_headers = {cloudflare_version_header("shop")};
  options.version_path = "version";
  ProbeSource source(options);
  SourceRun run(source, kSource);
  const std::vector<Probe> probes = run.at_least<Probe>(4);
  ASSERT_GE(probes.size(), 4U);
  EXPECT_EQ(run.text(probes[0].version), "v1");
  EXPECT_EQ(run.text(probes[1].version), "v2");
  EXPECT_EQ(run.text(probes[2].version), "v1");
}

TEST(ProbeSourceTest, AnAnswerCountsForTheVersionThatGaveIt) {
  ScriptedPeer peer(&answer_as_aimed);
  ProbeOptions options = options_for(peer.url());
  options.versions = [] { return std::vector<std::string>{"v9"}; };
  options.version_headers = {cloudflare_version_header("shop")};
  options.version_path = "version";
  ProbeSource source(options);
  SourceRun run(source, kSource);
  EXPECT_EQ(run.text(run.at_least<Probe>(1).at(0).version), "v1");
}

TEST(ProbeSourceTest, TheHeadersOfThePlatformsAreAsDocumented) {
  EXPECT_EQ(cloudflare_version_header("my-worker").name, "Cloudflare-Workers-Version-Overrides");
  EXPECT_EQ(cloudflare_version_header("my-worker").value, "my-worker=\"{version}\"");
  EXPECT_EQ(fly_instance_header().name, "fly-force-instance-id");
  EXPECT_EQ(fly_instance_header().value, "{version}");
}

TEST(ProbeSourceTest, ItSaysEachIntervalThatItLives) {
  ScriptedPeer peer(answering(500, ""));
  ProbeSource source(options_for(peer.url()));
  SourceRun run(source, kSource);
  for (const SourceState& state : run.at_least<SourceState>(3)) {
    EXPECT_EQ(state.source, kSource);
    EXPECT_EQ(state.health, SourceHealth::alive);
  }
  EXPECT_TRUE(run.until<rules::SourceProgress>(
      [](const auto& progress) { return progress.documents >= 3 && progress.used >= 3; }));
}

TEST(ProbeSourceTest, ACallThatCannotBeMadeIsNoEvidence) {
  ProbeSource source(options_for("gopher://127.0.0.1/"));
  SourceRun run(source, kSource);
  const std::vector<SourceState> states = run.at_least<SourceState>(2);
  ASSERT_GE(states.size(), 2U);
  EXPECT_EQ(states[0].health, SourceHealth::down);
  EXPECT_FALSE(states[0].detail.empty());
  EXPECT_TRUE(run.all<Probe>().empty());
}

TEST(ProbeSourceTest, AStopEndsItInTheMiddleOfACall) {
  ScriptedPeer peer([](PeerConnection& connection) { connection.hang(); });
  ProbeOptions options = options_for(peer.url());
  options.request.deadline = 60s;
  ProbeSource source(options);
  SourceRun run(source, kSource);
  ASSERT_TRUE(test::eventually([&peer] { return peer.connections() > 0; }));
  EXPECT_LT(run.stop(), 5s) << "it waited for its call";
  EXPECT_TRUE(run.all<Probe>().empty());
}

TEST(CadenceTest, TicksLieWholeIntervalsApartAndMissedOnesAreLeftOut) {
  std::stop_source stop;
  const auto begin = std::chrono::steady_clock::now();
  Cadence cadence(20ms);
  EXPECT_TRUE(cadence.wait(stop.get_token()));
  EXPECT_TRUE(wait_for(50ms, stop.get_token()));
  EXPECT_TRUE(cadence.wait(stop.get_token()));  // For 20 ms and 40 ms, late.
  EXPECT_TRUE(cadence.wait(stop.get_token()));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 60ms);
  stop.request_stop();
  EXPECT_FALSE(cadence.wait(stop.get_token()));
}

}  // namespace
}  // namespace belay::monitor
