#include "tests/integration/prometheus_server.h"

#include <algorithm>
#include <variant>

#include <nlohmann/json.hpp>

#include "net/http_client.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using nlohmann::json;

std::string percent_encoded(const std::string& text) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 0xF]});
  }
  return out;
}

}  // namespace

PrometheusServer::PrometheusServer(std::uint16_t target, std::chrono::milliseconds interval)
    : port_(free_port()) {
  const std::string every = std::to_string(interval.count()) + "ms";
  const auto config = directory_.write(
      "prometheus.yaml", "global: {scrape_interval: " + every + ", scrape_timeout: " + every +
                             "}\nscrape_configs: [{job_name: belay, static_configs: [{targets: "
                             "['127.0.0.1:" +
                             std::to_string(target) + "']}]}]\n");
  child_ = std::make_unique<ChildProcess>(
      ChildProcess::Options{.argv = {"prometheus", "--config.file=" + config.string(),
                                     "--storage.tsdb.path=" + (directory_.path() / "data").string(),
                                     "--web.listen-address=127.0.0.1:" + std::to_string(port_)},
                            .output = directory_.path() / "prometheus.log"});
}

json PrometheusServer::query(const std::string& expression) const {
  const json data = get("/api/v1/query?query=" + percent_encoded(expression));
  return data.is_object() ? data.value("result", json::array()) : json::array();
}

bool PrometheusServer::has_data(const std::string& expression) const {
  const json result = query(expression);
  return std::any_of(result.begin(), result.end(), [](const json& series) {
    return series.at("value").at(1).get<std::string>() != "NaN";
  });
}

json PrometheusServer::get(const std::string& path) const {
  const auto answer = net::http_call({.url = "http://127.0.0.1:" + std::to_string(port_) + path});
  const auto* response = std::get_if<net::HttpResponse>(&answer);
  if (response == nullptr) return {};
  const json body = json::parse(response->body, nullptr, false);
  return body.is_object() ? body.value("data", json()) : json();
}

std::string PrometheusServer::log() const {
  return content_of(directory_.path() / "prometheus.log");
}

std::string promtool_complaints(const std::string& page) {
  const TemporaryDirectory directory;
  const auto file = directory.write("page.txt", page);
  const auto said = directory.path() / "said.txt";
  ChildProcess promtool(
      {.argv = {"sh", "-c", "exec promtool check metrics < \"$0\"", file.string()},
       .output = said});
  const auto code = promtool.wait(std::chrono::seconds{20});
  return code == 0 ? content_of(said)
                   : "ended with " + std::to_string(code.value_or(-1)) + ": " + content_of(said);
}

}  // namespace belay::test
