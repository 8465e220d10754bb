#include "net/http_listener.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <list>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/resource.h>

#include "base/sanitize.h"
#include "net/http_message.h"
#include "net/http_session.h"

namespace belay::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr auto kEndWithin = 1s;
/// A peer that has not taken its answer for so long gives way when the listener is full.
constexpr auto kAnswerNotTaken = 1s;

/// What listeners may take of our descriptors: an action needs some for its call, the journal for
/// its files, whoever floods us.
ListenerLimits within_descriptors(ListenerLimits limits) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return limits;
  const rlim_t quarter = std::max<rlim_t>(descriptors.rlim_cur / 4, 1);
  limits.connections_max = std::min<std::size_t>(limits.connections_max, quarter);
  return limits;
}

std::optional<tcp::endpoint> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view number = text.substr(colon + 1);
  const bool in_brackets = host.starts_with('[') && host.ends_with(']');
  if (in_brackets) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), port);
  error_code code;
  const auto address = asio::ip::make_address(std::string(host), code);
  if (fault != std::errc{} || end != number.data() + number.size() || code ||
      address.is_v6() != in_brackets) {
    return std::nullopt;
  }
  return tcp::endpoint(address, port);
}

class Listener final : public HttpListener, private SessionOwner {
 public:
  Listener(Respond respond, const ListenerLimits& limits, Refusal refusal)
      : respond_(std::move(respond)),
        refusal_(std::move(refusal)),
        limits_(within_descriptors(limits)) {}

  ~Listener() override {
    asio::post(context_, [this] { end(); });
    if (thread_.joinable()) thread_.join();
  }

  Status listen(const tcp::endpoint& endpoint) {
    error_code code;
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
    // [::] takes IPv4 too, whatever the system's default is.
    if (!code && endpoint.address().is_v6()) {
      acceptor_.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), code);
    }
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
    if (code) {
      return Error{.kind = Error::Kind::unavailable, .message = code.message()};
    }
    port_ = acceptor_.local_endpoint(code).port();
    return Done{};
  }

  void run() {
    asio::co_spawn(context_, accept(), asio::detached);
    asio::co_spawn(context_, watch(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }

  void wake() override {
    // Many changes at once are one: whoever waits is asked after the last of them.
    if (waking_.exchange(true)) return;
    asio::post(context_, [this] {
      waking_ = false;
      for (Session& session : sessions_) {
        session.woken = true;
        if (session.waits == Session::Waits::for_news) session.news.cancel();
      }
    });
  }

 private:
  asio::awaitable<void> accept() {
    while (!ending_) {
      error_code code;
      tcp::socket socket(context_);
      co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, code));
      if (ending_) co_return;
      if (code) {
        // Out of descriptors, most likely: someone has to go first.
        asio::steady_timer pause(context_, 100ms);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, code));
        continue;
      }
      if (sessions_.size() >= limits_.connections_max && !make_room()) {
        turn_away(std::move(socket));
        continue;
      }
      socket.set_option(tcp::no_delay(true), code);
      Session& session = sessions_.emplace_back(std::move(socket));
      session.self = std::prev(sessions_.end());
      asio::co_spawn(context_, serve_and_forget(session), asio::detached);
    }
  }

  asio::awaitable<void> serve_and_forget(Session& session) {
    co_await serve(session, *this);
    sessions_.erase(session.self);
    if (ending_) timer_.cancel();
  }

  /// The connection that has kept us waiting for its request longest gives way; if every one is
  /// being answered, one that does not take its answer.
  bool make_room() {
    const auto now = std::chrono::steady_clock::now();
    Session* longest = nullptr;
    for (Session& session : sessions_) {
      if (session.evicted || session.waits == Session::Waits::for_news) continue;
      const bool answering = session.waits == Session::Waits::for_answer_taken;
      if (answering && now - session.since < kAnswerNotTaken) continue;
      if (longest == nullptr || session.since < longest->since) longest = &session;
    }
    if (longest == nullptr) return false;
    longest->evict();
    return true;
  }

  void turn_away(tcp::socket socket) const {
    Outgoing answer = refusal(503, "too many connections");
    answer.headers.push_back({"Retry-After", "1"});
    const std::string text = head_of(answer, false).value() + answer.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// Expires sessions at their deadlines.
  asio::awaitable<void> watch() {
    while (!ending_ || !sessions_.empty()) {
      SteadyTime next = SteadyTime::max();
      const auto now = std::chrono::steady_clock::now();
      for (Session& session : sessions_) {
        if (session.deadline <= now) {
          session.deadline = SteadyTime::max();
          session.expire();
        }
        next = std::min(next, session.deadline);
      }
      error_code cancelled;
      timer_.expires_at(next);
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  void end() {
    ending_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    const auto latest = std::chrono::steady_clock::now() + kEndWithin;
    for (Session& session : sessions_) {
      if (session.waits == Session::Waits::for_request) session.evict();
      if (session.waits == Session::Waits::for_news) session.news.cancel();
      session.deadline = std::min(session.deadline, latest);
    }
    timer_.cancel();
  }

  void enter(Session& session, Session::Waits waits) override {
    session.waits = waits;
    session.expired = false;
    session.since = std::chrono::steady_clock::now();
    auto lasts =
        waits == Session::Waits::for_request ? limits_.idle_deadline : limits_.read_deadline;
    if (ending_) lasts = std::min<std::chrono::milliseconds>(lasts, kEndWithin);
    session.deadline =
        waits == Session::Waits::for_news ? SteadyTime::max() : session.since + lasts;
    if (session.deadline < timer_.expiry()) timer_.cancel();
  }

  [[nodiscard]] const ListenerLimits& limits() const override { return limits_; }
  [[nodiscard]] bool ending() const override { return ending_; }
  Outgoing respond(const Incoming& request) override { return respond_(request); }
  [[nodiscard]] Outgoing refusal(int status, std::string_view text) const override {
    return refusal_ ? refusal_(status, text) : plain_answer(status, text);
  }

  Respond respond_;
  Refusal refusal_;
  const ListenerLimits limits_;
  std::uint16_t port_ = 0;
  bool ending_ = false;
  std::atomic<bool> waking_ = false;
  std::list<Session> sessions_;  ///< Outlives the coroutines: they end before the thread does.
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer timer_{context_, SteadyTime::max()};
  std::thread thread_;
};

}  // namespace

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  const std::optional<tcp::endpoint> endpoint = parse_address(text);
  if (!endpoint) return std::nullopt;
  return ListenAddress{.is_loopback = endpoint->address().is_loopback()};
}

Result<std::unique_ptr<HttpListener>> HttpListener::start(std::string_view address, Respond respond,
                                                          ListenerLimits limits, Refusal refusal) {
  const std::optional<tcp::endpoint> endpoint = parse_address(address);
  if (!endpoint) {
    return Error{.kind = Error::Kind::invalid,
                 .message = "not an address to listen on: \"" + sanitize(address, 80) +
                            "\" (expected 127.0.0.1:8080 or [::1]:8080)"};
  }
  auto listener = std::make_unique<Listener>(std::move(respond), limits, std::move(refusal));
  if (const Status listening = listener->listen(*endpoint); !listening) {
    return Error{
        .kind = Error::Kind::unavailable,
        .message = "cannot listen on " + std::string(address) + ": " + listening.error().message};
  }
  listener->run();
  return std::unique_ptr<HttpListener>(std::move(listener));
}

}  // namespace belay::net
