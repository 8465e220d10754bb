#include "net/http_session.h"

#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <sys/socket.h>

#include "base/ascii_case.h"
#include "net/http_message.h"
#include "net/http_syntax.h"

namespace belay::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

/// What a peer may still send after an answer that ends the connection, so that it gets to read it.
constexpr std::size_t kLingerBytesMax = 1024 * 1024;
constexpr std::chrono::milliseconds kAskAgainAfter{250};

std::optional<Refused> answer_to(const error_code& code) {
  if (code == http::error::header_limit || code == http::error::buffer_overflow) {
    return Refused{431, "the headers are too large"};
  }
  if (code == http::error::body_limit) return Refused{413, "the body is too large"};
  if (code == http::error::end_of_stream || code == http::error::partial_message) {
    return std::nullopt;  // Nobody is there any more.
  }
  if (code.category() == make_error_code(http::error::bad_method).category()) {
    return Refused{400, "not a valid HTTP request: " + code.message()};
  }
  return std::nullopt;
}

class Exchange {
 public:
  Exchange(Session& session, SessionOwner& owner)
      : session_(session),
        owner_(owner),
        // A whole head has to fit, and so does the head of a chunk.
        buffer_(owner.limits().header_bytes_max + kReadAhead) {}

  asio::awaitable<void> run() {
    bool more = true;
    while (more) more = co_await one_request();
    error_code ignored;
    session_.socket.close(ignored);
  }

 private:
  static constexpr std::size_t kReadAhead = 16 * 1024;

  asio::awaitable<bool> one_request() {
    if (buffer_.size() == 0) {
      owner_.enter(session_, Session::Waits::for_request);
      error_code code;
      const auto room = buffer_.prepare(4096);
      const std::size_t count = co_await session_.socket.async_read_some(
          room, asio::redirect_error(asio::use_awaitable, code));
      if (code) co_return false;
      buffer_.commit(count);
    }
    owner_.enter(session_, Session::Waits::for_rest);
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(owner_.limits().header_bytes_max));
    parser.body_limit(owner_.limits().body_bytes_max);
    error_code code = co_await read(parser);
    if (session_.evicted) co_return false;
    if (session_.expired) {
      co_await refuse(408, "the request was not whole in time");
      co_return false;
    }
    if (early_refusal_) {
      co_await refuse(early_refusal_->status, early_refusal_->why);
      co_return false;
    }
    if (code) {
      if (const std::optional<Refused> refused = answer_to(code)) {
        co_await refuse(refused->status, refused->why);
      }
      co_return false;
    }
    co_return co_await answer(parser);
  }

  asio::awaitable<error_code> read(Parser& parser) {
    error_code code;
    co_await http::async_read_header(session_.socket, buffer_, parser,
                                     asio::redirect_error(asio::use_awaitable, code));
    if (code) co_return code;
    // Where a body ends must be beyond doubt: what we took for the next request, whoever stands
    // before us took for a part of this one.
    const bool is_encoded = parser.get().count(http::field::transfer_encoding) > 0;
    if (is_encoded && !parser.chunked()) {
      early_refusal_ = Refused{400, "not a valid HTTP request: bad Transfer-Encoding"};
      co_return code;
    }
    if (parser.is_done()) co_return code;
    const auto expects = parser.get().find(http::field::expect);
    if (expects != parser.get().end()) {
      if (!equal_ignoring_case({expects->value().data(), expects->value().size()},
                               "100-continue")) {
        early_refusal_ = Refused{417, "only 100-continue can be expected"};
        co_return code;
      }
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(session_.socket, asio::buffer(kContinue),
                                 asio::redirect_error(asio::use_awaitable, code));
      if (code) co_return code;
    }
    co_await http::async_read(session_.socket, buffer_, parser,
                              asio::redirect_error(asio::use_awaitable, code));
    co_return code;
  }

  asio::awaitable<bool> answer(Parser& parser) {
    const bool keep_alive = parser.keep_alive() && !owner_.ending();
    Incoming request;
    int hosts = 0;
    auto& message = parser.get();
    for (const auto& field : message) {
      request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
      if (field.name() == http::field::host) ++hosts;
    }
    request.method = std::string(message.method_string());
    request.body = std::move(message.body());
    error_code ignored;
    request.peer = session_.socket.remote_endpoint(ignored).address().to_string();
    const bool usable = split_target({message.target().data(), message.target().size()}, request) &&
                        hosts <= 1 && (hosts == 1 || message.version() < 11);
    if (!usable) {
      co_await refuse(400, "a request needs a path and one Host");
      co_return false;
    }
    const bool head_only = request.method == "HEAD";
    if (const std::optional<Refused> refused =
            decode_body(request, owner_.limits().inflated_bytes_max)) {
      const Outgoing refusal = owner_.refusal(refused->status, refused->why);
      co_return co_await write(refusal, keep_alive, head_only) && keep_alive;
    }
    Outgoing first = asked([&] { return owner_.respond(request); });
    const std::optional<Outgoing> answer = co_await whole(std::move(first));
    if (!answer) co_return false;
    if (answer->stream) {
      co_await follow(*answer, head_only);
      co_return false;
    }
    const bool goes_on = keep_alive && !owner_.ending();
    co_return co_await write(*answer, goes_on, head_only) && goes_on;
  }

  /// What comes of an answer that is not known yet. Nothing: the peer did not wait for it.
  asio::awaitable<std::optional<Outgoing>> whole(Outgoing answer) {
    while (answer.later) {
      std::optional<Outgoing> known;
      answer = asked([&] {
        known = answer.later();
        return known ? *std::move(known) : std::move(answer);
      });
      if (!answer.later) break;
      if (owner_.ending()) co_return owner_.refusal(503, "ending");
      if (!co_await has_news()) co_return std::nullopt;
    }
    co_return answer;
  }

  asio::awaitable<void> follow(const Outgoing& answer, bool head_only) {
    bool taken = co_await write(answer, false, true);
    while (taken && !head_only && !owner_.ending()) {
      std::optional<std::string> piece;
      try {
        piece = answer.stream();
      } catch (const std::exception&) {
        piece = std::nullopt;  // The peer sees an end, and comes again.
      }
      if (!piece) co_return;
      if (!piece->empty()) {
        owner_.enter(session_, Session::Waits::for_answer_taken);
        error_code code;
        co_await asio::async_write(session_.socket, asio::buffer(*piece),
                                   asio::redirect_error(asio::use_awaitable, code));
        taken = !code;
      }
      taken = taken && co_await has_news();
    }
  }

  /// Waits until there may be news, a moment at most. False: the peer has gone.
  asio::awaitable<bool> has_news() {
    owner_.enter(session_, Session::Waits::for_news);
    if (!session_.woken) {
      session_.news.expires_after(kAskAgainAfter);
      error_code cancelled;
      co_await session_.news.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    session_.woken = false;
    co_return !session_.evicted && is_there();
  }

  bool is_there() {
    char next = 0;
    const auto count = ::recv(session_.socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
  }

  /// A stranger's request must not be able to end the process; its text may be a secret.
  template <typename Ask>
  Outgoing asked(const Ask& ask) {
    try {
      return ask();
    } catch (const std::exception&) {
      return owner_.refusal(500, "internal error");
    }
  }

  asio::awaitable<bool> write(const Outgoing& answer, bool keep_alive, bool head_only) {
    std::optional<std::string> head = head_of(answer, keep_alive);
    std::optional<Outgoing> broken;
    if (!head) {
      broken = owner_.refusal(500, "internal error");
      head = head_of(*broken, keep_alive);
    }
    const std::string& body = broken ? broken->body : answer.body;
    const bool has_body = !head_only && answer.status != 204 && answer.status != 304;
    owner_.enter(session_, Session::Waits::for_answer_taken);
    const std::array<asio::const_buffer, 2> buffers{
        asio::buffer(*head), has_body ? asio::buffer(body) : asio::const_buffer()};
    error_code code;
    co_await asio::async_write(session_.socket, buffers,
                               asio::redirect_error(asio::use_awaitable, code));
    co_return !code;
  }

  /// Answers, then reads on for a while: closing over unread bytes would reset the connection, and
  /// the peer would never see the answer.
  asio::awaitable<void> refuse(int status, std::string_view why) {
    const Outgoing refusal = owner_.refusal(status, why);
    const bool written = co_await write(refusal, false, false);
    error_code code;
    session_.socket.shutdown(asio::ip::tcp::socket::shutdown_send, code);
    std::array<char, 16 * 1024> dropped;  // NOLINT: nobody reads it
    std::size_t left = written ? kLingerBytesMax : 0;
    while (left > 0 && !code && !session_.expired) {
      const std::size_t count = co_await session_.socket.async_read_some(
          asio::buffer(dropped), asio::redirect_error(asio::use_awaitable, code));
      left -= std::min(left, count);
    }
  }

  Session& session_;
  SessionOwner& owner_;
  boost::beast::flat_buffer buffer_;
  std::optional<Refused> early_refusal_;
};

}  // namespace

asio::awaitable<void> serve(Session& session, SessionOwner& owner) {
  Exchange exchange(session, owner);
  co_await exchange.run();
}

}  // namespace belay::net
