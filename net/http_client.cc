#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <memory>
#include <system_error>

#include <curl/curl.h>
#include <sys/socket.h>

#include "base/ascii_case.h"
#include "base/sanitize.h"
#include "base/time.h"
#include "net/http_syntax.h"
#include "net/metadata_address.h"
#include "net/sigpipe.h"

namespace belay::net {
namespace {

using Kind = HttpFault::Kind;
using SteadyClock = std::chrono::steady_clock;
using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using Lines = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;
using Outcome = std::variant<HttpResponse, HttpFault>;

constexpr int kLookupShare = 3;  // Of the deadline, where an address is known.

struct Limits {
  SteadyClock::time_point until;
  SteadyClock::time_point lookup_until;  ///< Not later than `until`.
};

/// What the callbacks of one call share.
struct Transfer {
  const HttpRequest& request;
  HttpResponse response{};
  std::size_t header_bytes = 0;
  bool headers_too_large = false;
  bool address_refused = false;
  bool has_address = false;  ///< The name was looked up, and a connection is begun.
};

// The callbacks are noexcept: nothing may be thrown through C code.

std::size_t on_header(char* bytes, std::size_t /*one*/, std::size_t count, void* user) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += count;
  if (transfer.header_bytes > transfer.request.header_bytes_max) {
    transfer.headers_too_large = true;
    return 0;
  }
  const std::string_view line(bytes, count);
  const std::size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();  // What came before belonged to a "100 Continue".
  } else if (colon != std::string_view::npos) {
    transfer.response.headers.push_back({std::string(trimmed(line.substr(0, colon))),
                                         std::string(trimmed(line.substr(colon + 1)))});
  }
  return count;
}

std::size_t on_body(char* bytes, std::size_t /*one*/, std::size_t count, void* user) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  std::string& body = transfer.response.body;
  const std::size_t room = transfer.request.body_bytes_max - body.size();
  body.append(bytes, std::min(room, count));
  if (count <= room) return count;
  transfer.response.truncated = true;
  return 0;
}

curl_socket_t on_open_socket(void* user, curlsocktype /*purpose*/,
                             curl_sockaddr* address) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.has_address = true;
  if (is_metadata_address(&address->addr)) {
    transfer.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Nothing, or what is wrong with the request.
std::string reason_against(const HttpRequest& request) {
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return "the URL must begin with http:// or https://";
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  if (std::any_of(request.url.begin(), request.url.end(), is_control)) {
    return "the URL holds a space or a control character";
  }
  if (!is_token(request.method)) return "not an HTTP method: " + sanitize(request.method, 40);
  for (const Header& header : request.headers) {
    if (!is_token(header.name)) return "not a header's name: " + sanitize(header.name, 40);
    if (!is_header_value(header.value)) {
      return "a control character in the header " + sanitize(header.name, 40);
    }
  }
  return {};
}

bool has_header(const HttpRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [name](const Header& header) {
    return equal_ignoring_case(header.name, name);
  });
}

Lines header_lines(const HttpRequest& request) {
  Lines lines(nullptr, &curl_slist_free_all);
  const auto add = [&lines](const std::string& line) {
    lines.reset(curl_slist_append(lines.release(), line.c_str()));
  };
  // A name with nothing after its colon keeps libcurl from adding that header on its own.
  add("Expect:");
  if (!has_header(request, "Content-Type")) add("Content-Type:");
  if (!has_header(request, "User-Agent")) add("User-Agent: belay");
  for (const Header& header : request.headers) {
    add(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  return lines;
}

void set_body(CURL* easy, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  const bool takes_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (takes_body || !request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void configure(CURL* easy, Transfer& transfer, curl_slist* lines, char* error_text) {
  const HttpRequest& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  // A proxy from the environment would hide the address that is really connected to.
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else cleaning up waits for a name lookup that hangs, long after the deadline.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  // Zero would mean for ever.
  const long deadline_ms = std::max<long>(1, request.deadline.count());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, deadline_ms);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, deadline_ms);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  if (request.ca_file) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file->c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  set_body(easy, request);
}

/// "host:port:address" for the URL's host; none for a URL without one.
Lines pin_of(const std::string& url, const std::string& address) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), &curl_url_cleanup);
  char* host = nullptr;
  char* port = nullptr;
  Lines pin(nullptr, &curl_slist_free_all);
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK &&
      curl_url_get(parts.get(), CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
    const std::string numbers =
        address.find(':') == std::string::npos ? address : "[" + address + "]";
    const std::string line = std::string(host) + ":" + port + ":" + numbers;
    pin.reset(curl_slist_append(nullptr, line.c_str()));
  }
  curl_free(host);
  curl_free(port);
  return pin;
}

/// CURLE_ABORTED_BY_CALLBACK stands for a requested stop.
CURLcode perform(CURLM* multi, const Transfer& transfer, const Limits& limits,
                 const std::stop_token& stop) {
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  while (true) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi, &left);
    if (message != nullptr && message->msg == CURLMSG_DONE) return message->data.result;
    if (stop.stop_requested()) return CURLE_ABORTED_BY_CALLBACK;
    const auto now = SteadyClock::now();
    if (now >= limits.until) return CURLE_OPERATION_TIMEDOUT;
    if (now >= limits.lookup_until && !transfer.has_address) return CURLE_COULDNT_RESOLVE_HOST;
    const auto until = transfer.has_address ? limits.until : limits.lookup_until;
    const auto remaining = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    const int wait_ms = static_cast<int>(std::min<std::int64_t>(remaining.count(), 1000));
    curl_multi_poll(multi, nullptr, 0, wait_ms, nullptr);
  }
}

Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Kind::dns;
    case CURLE_COULDNT_CONNECT:
      return Kind::refused;
    case CURLE_OPERATION_TIMEDOUT:
      return Kind::timeout;
    case CURLE_ABORTED_BY_CALLBACK:
      return Kind::stopped;
    case CURLE_URL_MALFORMAT:
      return Kind::invalid;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Kind::tls;
    default:
      return Kind::protocol;
  }
}

/// From the moment the connection stands, a byte of the request may have left.
bool may_have_sent(CURL* easy, const HttpRequest& request) {
  curl_off_t since_us = 0;
  const bool tls = request.url.starts_with("https://");
  curl_easy_getinfo(easy, tls ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &since_us);
  return since_us > 0;
}

HttpFault fault_of(CURLcode code, CURL* easy, const Transfer& transfer, const char* error_text) {
  HttpFault fault{.kind = kind_of(code), .sent = may_have_sent(easy, transfer.request)};
  if (transfer.address_refused && !fault.sent) {
    fault.kind = Kind::forbidden_address;
    fault.message =
        "its address is link-local or a metadata service's, where clouds keep credentials: Belay "
        "connects to none of them";
  } else if (transfer.headers_too_large) {
    fault.message =
        "more than " + std::to_string(transfer.request.header_bytes_max) + " bytes of headers";
  } else if (fault.kind == Kind::timeout) {
    fault.message = std::string(fault.sent ? "no whole answer" : "no connection") + " within " +
                    format_duration(transfer.request.deadline);
  } else if (fault.kind == Kind::refused) {
    // curl's own words count the milliseconds: each try would have a text of its own.
    long number = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    fault.message = "cannot connect";
    if (number != 0)
      fault.message += ": " + std::generic_category().message(static_cast<int>(number));
  } else if (fault.kind == Kind::stopped) {
    fault.message = "stopped";
  } else {
    fault.message = sanitize(*error_text != '\0' ? error_text : curl_easy_strerror(code));
  }
  return fault;
}

struct Once {
  Outcome outcome;
  bool has_address = false;  ///< If not, nothing was sent to anyone.
};

/// `address`: taken for the URL's host without a lookup, unless it is empty.
Once call_once(const HttpRequest& request, const Limits& limits, const std::string& address,
               const std::stop_token& stop) {
  const SigpipeBlock no_sigpipe;
  Transfer transfer{.request = request};
  std::array<char, CURL_ERROR_SIZE> error_text{};
  const Lines lines = header_lines(request);
  const Lines pin =
      address.empty() ? Lines(nullptr, &curl_slist_free_all) : pin_of(request.url, address);
  const Multi multi(curl_multi_init(), &curl_multi_cleanup);
  const Easy easy(curl_easy_init(), &curl_easy_cleanup);
  BELAY_CHECK(multi && easy, "no memory for a transfer");
  configure(easy.get(), transfer, lines.get(), error_text.data());
  if (pin) curl_easy_setopt(easy.get(), CURLOPT_RESOLVE, pin.get());
  curl_multi_add_handle(multi.get(), easy.get());
  const CURLcode code = perform(multi.get(), transfer, limits, stop);
  Outcome outcome;
  if (code == CURLE_OK || transfer.response.truncated) {
    long status = 0;
    curl_off_t total_us = 0;
    char* peer = nullptr;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy.get(), CURLINFO_TOTAL_TIME_T, &total_us);
    curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_IP, &peer);
    if (request.last_good != nullptr && peer != nullptr) request.last_good->keep(peer);
    transfer.response.status = static_cast<int>(status);
    transfer.response.total = std::chrono::microseconds(total_us);
    outcome = std::move(transfer.response);
  } else {
    outcome = fault_of(code, easy.get(), transfer, error_text.data());
  }
  curl_multi_remove_handle(multi.get(), easy.get());
  return {.outcome = std::move(outcome), .has_address = transfer.has_address};
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  const auto found = std::find_if(headers.rbegin(), headers.rend(), [name](const Header& header) {
    return equal_ignoring_case(header.name, name);
  });
  return found == headers.rend() ? std::nullopt : std::optional(found->value);
}

std::variant<HttpResponse, HttpFault> http_call(const HttpRequest& request, std::stop_token stop) {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialized != CURLE_OK) {
    return HttpFault{.kind = Kind::invalid, .message = curl_easy_strerror(initialized)};
  }
  if (std::string reason = reason_against(request); !reason.empty()) {
    return HttpFault{.kind = Kind::invalid, .message = std::move(reason)};
  }
  if (stop.stop_requested()) return HttpFault{.kind = Kind::stopped, .message = "stopped"};
  const auto begin = SteadyClock::now();
  const auto until = begin + request.deadline;
  const std::string known = request.last_good == nullptr ? "" : request.last_good->get();
  if (known.empty()) return call_once(request, {until, until}, "", stop).outcome;
  Once once = call_once(request, {until, begin + request.deadline / kLookupShare}, "", stop);
  if (once.has_address || stop.stop_requested()) return std::move(once.outcome);
  once = call_once(request, {until, until}, known, stop);
  if (auto* fault = std::get_if<HttpFault>(&once.outcome)) {
    fault->message += " (at " + known + ", where it answered last: its name cannot be looked up)";
  }
  return std::move(once.outcome);
}

}  // namespace belay::net
