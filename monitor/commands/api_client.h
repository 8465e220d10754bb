#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "base/secret.h"
#include "monitor/api/local_endpoint.h"
#include "net/http_client.h"

namespace CLI {
class App;
}

namespace belay::monitor {

/// What the verbs know about where the daemon is.
struct ApiArguments {
  std::string url;  ///< `--url` or BELAY_URL; empty: the daemon of `config` on this machine.
  std::string config = "belay.yaml";
};
/// `--url` and `--config`.
void add_api_options(CLI::App& verb, ApiArguments& arguments);

/// Where a configuration keeps its state, read without what else is in it: an emergency must not
/// wait for a variable that is not set.
Result<std::filesystem::path> state_of(const std::string& config);

/// The API of one daemon, as a program of its own sees it. Calls block until their deadline.
class ApiClient {
 public:
  /// With a URL the token is BELAY_TOKEN. Without, the daemon of the configuration's state: its
  /// address and token are in there, and are read again for each call: a daemon that was restarted
  /// has others. Error kind not_found: no daemon has left its address.
  static Result<ApiClient> find(const ApiArguments& arguments);

  struct Request {
    std::string method = "GET";
    std::string path;  ///< "/api/v1/rollouts"
    nlohmann::ordered_json body = nullptr;
    std::vector<net::Header> headers = {};
    std::chrono::milliseconds deadline{10'000};
    /// A field of every good answer: what lacks it is none of Belay's. Empty: not looked at.
    std::string holds = {};
  };
  struct Answer {
    int status = 0;
    nlohmann::json json;  ///< An object, but for 304 and for Markdown, where it is discarded.
    std::string text;     ///< The answer as it came.
    std::string etag;
    [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
    /// What a problem says, in one line; sanitized.
    [[nodiscard]] std::string problem() const;
  };
  /// Error kinds: unavailable (nothing was sent), ambiguous (something may have been), failed (what
  /// answers is not Belay).
  [[nodiscard]] Result<Answer> call(const Request& request, std::stop_token stop = {}) const;

  /// Where it was found.
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  ApiClient(std::string url, Secret token) : url_(std::move(url)), token_(std::move(token)) {}
  /// Of the daemon as of now; where there is none, of the one that was found.
  [[nodiscard]] LocalEndpoint endpoint() const;

  std::string url_;
  Secret token_;
  std::filesystem::path state_;  ///< Empty: it was found by its URL.
  bool has_given_token_ = true;  ///< BELAY_TOKEN, which counts whatever the state holds.
};

/// Tells why the daemon could not be asked, and gives the exit code that says so.
int refuse(const Error& error);

}  // namespace belay::monitor
