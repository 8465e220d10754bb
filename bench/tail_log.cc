#include "bench/tail_log.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace belay::bench {
namespace {

constexpr std::string_view kClientCertificate =
    R"("tlsClientAuth":{"certPresented":"0","certVerified":"NONE","certRevoked":"0","certIssuerDN":"",)"
    R"("certSubjectDN":"","certIssuerDNRFC2253":"","certSubjectDNRFC2253":"","certSerial":"",)"
    R"("certFingerprintSHA1":"","certFingerprintSHA256":"","certNotBefore":"","certNotAfter":""})";

constexpr std::array<std::string_view, 8> kWords = {"users",   "orders", "carts",  "items",
                                                    "reviews", "search", "prices", "stock"};

}  // namespace

TailLog::TailLog(std::uint64_t seed) : random_(seed) {
  for (std::size_t i = 0; i < kServices; ++i)
    services_.push_back(
        {.name = fmt::format("shop-{}", kWords[i % kWords.size()]) + std::to_string(i),
         .versions = {uuid(), uuid()}});
  double sum = 0;
  for (std::size_t i = 0; i < kRoutes; ++i)
    route_shares_.push_back(sum += 1.0 / static_cast<double>(i + 1));
  for (double& share : route_shares_) share /= sum;
}

std::string TailLog::hex(std::size_t digits) {
  std::string text;
  while (text.size() < digits) text += fmt::format("{:016x}", random_());
  text.resize(digits);
  return text;
}

std::string TailLog::uuid() {
  return fmt::format("{}-{}-4{}-a{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12));
}

void TailLog::append_path(std::string& out) {
  const auto place = std::upper_bound(route_shares_.begin(), route_shares_.end(), uniform());
  const auto route = static_cast<std::size_t>(place - route_shares_.begin()) % kRoutes;
  const std::string_view word = kWords[route % kWords.size()];
  switch (route % 4) {
    case 0:
      out += fmt::format("/api/v{}/{}/{}", route / 8 + 1, word, below(1'000'000));
      return;
    case 1:
      out += fmt::format("/shop{}/{}/{}", route, word, uuid());
      return;
    case 2:
      out += fmt::format("/{}/list{}?page={}&q={}", word, route, below(50), hex(6));
      return;
    default:
      out += fmt::format("/{}/{}/lines{}/{}", word, below(100'000), route, below(100));
      return;
  }
}

std::uint64_t TailLog::wall_ms() {
  // Box and Muller, not std::lognormal_distribution: its bytes differ between libraries.
  const double normal = std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * M_PI * uniform());
  const double slow = chance(0.004) ? 20 + 60 * uniform() : 1;
  return static_cast<std::uint64_t>(30 * std::exp(0.6 * normal) * slow);
}

void TailLog::append_fetch(std::string& out, const Service& service, int status) {
  out += fmt::format(R"("event":{{"request":{{"url":"https://{}.example.test)", service.name);
  append_path(out);
  const std::string ray = hex(16);
  out += fmt::format(
      R"(","method":"{}","headers":{{"accept":"application/json","accept-encoding":"gzip, br",)"
      R"("cf-connecting-ip":"203.0.113.{}","cf-ipcountry":"US","cf-ray":"{}","cf-visitor":"{{\"scheme\":\"https\"}}",)"
      R"("host":"{}.example.test","user-agent":"Mozilla/5.0 X11; Linux x86_64 AppleWebKit/537.36 KHTML, like Gecko Chrome/131.0",)"
      R"("x-forwarded-proto":"https","x-request-id":"{}"}},)",
      chance(0.8) ? "GET" : "POST", below(256), ray, service.name, hex(32));
  out += fmt::format(
      R"("cf":{{"asOrganization":"Example Net","asn":{},"colo":"DFW","city":"Austin","region":"Texas","regionCode":"TX",)"
      R"("postalCode":"78701","country":"US","continent":"NA","timezone":"America/Chicago","latitude":"30.27130",)"
      R"("longitude":"-97.74260","clientTcpRtt":{},"httpProtocol":"HTTP/2","requestPriority":"weight=192;exclusive=0",)"
      R"("tlsCipher":"AEAD-AES128-GCM-SHA256","tlsVersion":"TLSv1.3",{},"edgeRequestKeepAliveStatus":0,)"
      R"("clientTrustScore":99,"botManagement":{{"corporateProxy":false,"verifiedBot":false,"ja3Hash":"{}",)"
      R"("staticResource":false,"detectionIds":[],"score":99}},"clientAcceptEncoding":"gzip, br"}}}},)"
      R"("response":{{"status":{}}}}}}})",
      below(400'000), below(200), kClientCertificate, hex(32), status);
}

void TailLog::append(std::string& out) {
  const Service& service = services_[below(kServices)];
  const bool is_candidate = chance(0.1);
  const bool is_bad = chance(is_candidate ? 0.012 : 0.004);
  const bool is_thrown = is_bad && chance(0.5);
  const std::uint64_t wall = wall_ms();
  now_ms_ += -0.5 * std::log(1 - uniform());
  const auto at_ms = static_cast<std::uint64_t>(now_ms_);
  const std::string exception = fmt::format(
      R"({{"name":"TypeError","message":"Cannot read properties of undefined","timestamp":{}}})",
      at_ms);
  out += fmt::format(
      R"({{"wallTime":{},"cpuTime":{},"truncated":false,"executionModel":"stateless","outcome":"{}",)"
      R"("scriptVersion":{{"id":"{}"}},"scriptName":"{}","diagnosticsChannelEvents":[],"exceptions":[{}],)"
      R"("logs":[{{"message":["request","{}"],"level":"log","timestamp":{}}}],"eventTimestamp":{},)",
      wall, 1 + wall / 10, is_thrown ? "exception" : "ok", service.versions[is_candidate ? 1 : 0],
      service.name, is_thrown ? exception : "", hex(16), at_ms, at_ms);
  const double kind = uniform();
  if (kind < 0.97)
    append_fetch(out, service, is_bad ? 500 : chance(0.03) ? 404 : 200);
  else if (kind < 0.985)
    out += fmt::format(R"("event":{{"cron":"*/5 * * * *","scheduledTime":{}}}}})", at_ms);
  else if (kind < 0.997)
    out += R"("event":{"batchSize":10,"queue":"emails"}})";
  else
    out += R"("event":{"rpcMethod":"lookUp"}})";
}

void append_indented(std::string& out, const std::string& document) {
  std::size_t depth = 0;
  bool in_text = false;
  const auto new_line = [&] { out.append("\n").append(depth * 4, ' '); };
  for (std::size_t i = 0; i < document.size(); ++i) {
    const char c = document[i];
    if (in_text) {
      out += c;
      if (c == '\\') out += document[++i];
      in_text = c != '"';
      continue;
    }
    const bool opens = c == '{' || c == '[';
    if (c == '}' || c == ']') {
      --depth;
      new_line();
    }
    out += c;
    if (opens && (document[i + 1] == '}' || document[i + 1] == ']')) {
      out += document[++i];
    } else if (opens) {
      ++depth;
      new_line();
    } else if (c == ',') {
      new_line();
    } else if (c == ':') {
      out += ' ';
    }
    in_text = c == '"';
  }
}

std::string tail_log(std::size_t bytes, bool indented, std::uint64_t seed) {
  TailLog log(seed);
  std::string out;
  std::string event;
  out.reserve(bytes + 16 * 1024);
  while (out.size() < bytes) {
    event.clear();
    log.append(event);
    if (indented)
      append_indented(out, event);
    else
      out += event;
    out += '\n';
  }
  return out;
}

}  // namespace belay::bench
