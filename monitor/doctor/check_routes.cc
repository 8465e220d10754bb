#include <string>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "monitor/doctor/check_place.h"
#include "net/http_client.h"

namespace belay::monitor {
namespace {

using Level = Finding::Level;

constexpr std::chrono::seconds kDeadline{10};
constexpr const char* kTestMessage =
    R"({"text":"Belay doctor: this is a test, and nothing has happened."})";

/// "https://hooks.slack.com" of a longer address: what comes before and after the host is secret.
std::string origin_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return {};
  const std::size_t begin = scheme + 3;
  const std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  return url.substr(0, begin) + authority.substr(authority.rfind('@') + 1);
}

const char* words_of(const net::HttpFault& fault) {
  using Kind = net::HttpFault::Kind;
  switch (fault.kind) {
    case Kind::dns:
      return "its name is not known";
    case Kind::refused:
      return "nobody listens there";
    case Kind::tls:
      return "its certificate is not accepted";
    case Kind::timeout:
      return "it did not answer in time";
    default:
      return "it cannot be reached";
  }
}

/// Any answer will do: a host that says 404 to its root is there.
Finding check_reach(const std::string& about, const std::string& url) {
  const std::string origin = origin_of(url);
  const auto answer =
      net::http_call({.method = "HEAD", .url = origin + "/", .deadline = kDeadline});
  if (const auto* fault = std::get_if<net::HttpFault>(&answer)) {
    return {Level::unknown, "", about, fmt::format("{}: {}", origin, words_of(*fault))};
  }
  return {Level::fine, "", about, origin + " answers; nothing was sent"};
}

Finding send(const std::string& about, const std::string& url) {
  const std::string origin = origin_of(url);
  const auto answer = net::http_call({.method = "POST",
                                      .url = url,
                                      .headers = {{"Content-Type", "application/json"}},
                                      .body = kTestMessage,
                                      .deadline = kDeadline});
  if (const auto* fault = std::get_if<net::HttpFault>(&answer)) {
    return {Level::unknown, "", about, fmt::format("{}: {}", origin, words_of(*fault))};
  }
  const int status = std::get<net::HttpResponse>(answer).status;
  const bool is_taken = status >= 200 && status < 300;
  return {is_taken ? Level::fine : Level::bad, "", about,
          is_taken ? origin + " took a test message"
                   : fmt::format("{} refused a test message with status {}", origin, status)};
}

}  // namespace

Findings check_routes(const Config& config, bool send_test) {
  Findings found;
  const auto check = [&](const std::string& about, const Secret& url) {
    found.push_back(send_test ? send(about, url.reveal()) : check_reach(about, url.reveal()));
  };
  for (const SlackRoute& route : config.tell) check("tell", route.webhook);
  for (const SlackRoute& route : config.page) check("page", route.webhook);
  if (config.page.empty()) {
    found.push_back({Level::weak, "", "page", "nobody is paged when an action fails: notify.page"});
  }
  if (config.heartbeat) {
    found.push_back(check_reach("heartbeat", config.heartbeat->url.reveal()));
  } else {
    found.push_back({Level::note, "", "heartbeat", "off: nobody notices when Belay itself dies"});
  }
  return found;
}

}  // namespace belay::monitor
