#include "monitor/commands/api_client.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/sanitize.h"
#include "exporters/json_fields.h"
#include "monitor/api/local_endpoint.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/config/strict_yaml.h"
#include "monitor/config/written_path.h"
#include "monitor/version.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Error fault_of(const net::HttpFault& fault, const std::string& url) {
  const Error::Kind kind = fault.sent ? Error::Kind::ambiguous : Error::Kind::unavailable;
  return {.kind = kind,
          .message = fmt::format("no daemon answers on {}: {}", url, sanitize(fault.message))};
}

bool asks_for(const ApiClient::Request& request, std::string_view header) {
  return std::ranges::find(request.headers, header, &net::Header::name) != request.headers.end();
}

/// What is wrong may be said by whatever stands where Belay should: ours has a name.
bool is_ours(const ApiClient::Answer& answer, const std::string& holds) {
  if (!answer.json.is_object()) return false;
  if (answer.status >= 400)
    return exporters::text_in(answer.json, "type").starts_with("urn:belay:problem:");
  return holds.empty() || answer.status == 202 || answer.json.contains(holds);
}

}  // namespace

void add_api_options(CLI::App& verb, ApiArguments& arguments) {
  verb.add_option("--url", arguments.url,
                  "The daemon's API (with the token in BELAY_TOKEN); else the daemon of the "
                  "configuration on this machine")
      ->envname("BELAY_URL")
      ->type_name("URL");
  add_config_option(verb, arguments.config);
}

Result<std::filesystem::path> state_of(const std::string& config) {
  Result<YamlFile> file = YamlFile::read(config, Interpolation::of_process());
  if (!file) return file.error();
  std::string state = "belay-state";
  for (const YamlEntry& entry : file->root().entries()) {
    if (entry.name != "state") continue;
    const auto written = entry.value.string();
    if (!written) return Error{Error::Kind::invalid, config + ": `state` cannot be read"};
    state = *written;
  }
  if (!file->root().present()) return Error{Error::Kind::invalid, config + " is no YAML"};
  return state_path(config, state);
}

Result<ApiClient> ApiClient::find(const ApiArguments& arguments) {
  const std::string token = environment("BELAY_TOKEN");
  if (!arguments.url.empty()) {
    std::string url = arguments.url;
    while (url.ends_with('/')) url.pop_back();
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
      return Error{Error::Kind::invalid, "BELAY_URL is http://HOST:PORT or https://…"};
    }
    const std::size_t host = url.find("//") + 2;
    if (url.substr(host, url.find_first_of("/?#", host) - host).find('@') != std::string::npos) {
      return Error{Error::Kind::invalid,
                   "BELAY_URL has no user and no password: it is shown; the token goes into "
                   "BELAY_TOKEN"};
    }
    return ApiClient(std::move(url), Secret(token));
  }
  const Result<std::filesystem::path> state = state_of(arguments.config);
  if (!state) return state.error();
  const Result<LocalEndpoint> local = read_local_endpoint(*state);
  if (!local) return local.error();
  ApiClient client(local->url, token.empty() ? local->token : Secret(token));
  client.state_ = *state;
  client.has_given_token_ = !token.empty();
  return client;
}

LocalEndpoint ApiClient::endpoint() const {
  LocalEndpoint found{url_, token_};
  if (state_.empty()) return found;
  const Result<LocalEndpoint> local = read_local_endpoint(state_);
  if (!local) return found;
  found.url = local->url;
  if (!has_given_token_) found.token = local->token;
  return found;
}

Result<ApiClient::Answer> ApiClient::call(const Request& request, std::stop_token stop) const {
  const auto [url, token] = endpoint();
  net::HttpRequest sent{.method = request.method,
                        .url = url + request.path,
                        .headers = request.headers,
                        .deadline = request.deadline,
                        .body_bytes_max = kAnswerBytesMax};
  sent.headers.push_back({"User-Agent", std::string("belay/") + kVersion});
  if (!token.empty()) sent.headers.push_back({"Authorization", "Bearer " + token.reveal()});
  if (!request.body.is_null()) {
    sent.headers.push_back({"Content-Type", "application/json"});
    sent.body = request.body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  const auto outcome = net::http_call(sent, std::move(stop));
  if (const auto* fault = std::get_if<net::HttpFault>(&outcome)) return fault_of(*fault, url);
  const auto& response = std::get<net::HttpResponse>(outcome);
  Answer answer{.status = response.status,
                .json = nlohmann::json::parse(response.body, nullptr, false),
                .text = response.body,
                .etag = response.header("ETag").value_or("")};
  const std::string type = response.header("Content-Type").value_or("");
  const bool may_lack_json = (response.status == 304 && asks_for(request, "If-None-Match")) ||
                             (type.starts_with("text/markdown") && asks_for(request, "Accept"));
  if (!may_lack_json && !is_ours(answer, request.holds)) {
    return Error{Error::Kind::failed,
                 fmt::format("what answers on {} is not Belay (HTTP {})", url, response.status)};
  }
  return answer;
}

std::string ApiClient::Answer::problem() const {
  std::string title = exporters::text_in(json, "title");
  if (title.empty()) title = fmt::format("HTTP {}", status);
  if (status == 401) title += " (what is sent is the one in BELAY_TOKEN)";
  const std::string detail = exporters::text_in(json, "detail");
  return sanitize(detail.empty() ? title : title + ": " + detail, 1000);
}

int refuse(const Error& error) {
  complain(sanitize(error.message, 1000));
  return error.kind == Error::Kind::invalid ? kExitConfiguration : kExitUnavailable;
}

}  // namespace belay::monitor
