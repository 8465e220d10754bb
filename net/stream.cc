#include "net/stream.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "net/sigpipe.h"

namespace belay::net {
namespace {

using namespace std::chrono_literals;

std::string system_message(int number) { return std::generic_category().message(number); }

std::string openssl_message() {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "the connection broke";
}

Error unavailable(std::string message) {
  return Error{.kind = Error::Kind::unavailable, .message = std::move(message)};
}

Error not_in_time(Stream::Waited waited, const std::string& what) {
  if (waited == Stream::Waited::stopped) return unavailable("stopped");
  return Error{.kind = Error::Kind::timeout, .message = what + " was not done in time"};
}

}  // namespace

Stream::Stream(int socket) : socket_(socket), read_wants_(POLLIN), write_wants_(POLLOUT) {}

Stream::~Stream() {
  tls_.reset();
  ::close(socket_);
}

Result<std::unique_ptr<Stream>> Stream::connect(const Target& target, const Deadline& deadline,
                                                const std::stop_token& stop) {
  const Result<std::vector<Address>> addresses = resolve(target.host, target.port, deadline, stop);
  if (!addresses) return addresses.error();
  Error last = unavailable("no address");
  for (std::size_t at = 0; at < addresses->size(); ++at) {
    // An address that swallows packets may use up its share of the time only.
    const auto share = deadline.remaining() / static_cast<int>(addresses->size() - at);
    Result<std::unique_ptr<Stream>> stream = connect_to((*addresses)[at], Deadline(share), stop);
    if (!stream) {
      last = stream.error();
      continue;
    }
    if (!target.tls) return stream;
    const Status secured = stream.value()->start_tls(target, deadline, stop);
    if (!secured) return secured.error();
    return stream;
  }
  return last;
}

Result<std::unique_ptr<Stream>> Stream::connect_to(const Address& address, const Deadline& deadline,
                                                   const std::stop_token& stop) {
  const int socket =
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return unavailable("no socket: " + system_message(errno));
  std::unique_ptr<Stream> stream(new Stream(socket));
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) {
    return stream;
  }
  if (errno != EINPROGRESS) return unavailable("cannot connect: " + system_message(errno));
  const Waited waited = stream->wait(true, deadline, stop);
  if (waited != Waited::ready) return not_in_time(waited, "the connection");
  int fault = 0;
  socklen_t length = sizeof fault;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &fault, &length);
  if (fault != 0) return unavailable("cannot connect: " + system_message(fault));
  return stream;
}

Status Stream::prepare_tls(const Target& target) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // The protocol above knows where a message ends; a peer that just closes cuts nothing off unseen.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int loaded = target.ca_file
                         ? SSL_CTX_load_verify_locations(context, target.ca_file->c_str(), nullptr)
                         : SSL_CTX_set_default_verify_paths(context);
  if (loaded != 1) {
    ERR_clear_error();
    return Error{
        .kind = Error::Kind::invalid,
        .message = "cannot read certificates from " + target.ca_file.value_or("the system")};
  }
  tls_.reset(SSL_new(context));
  SSL_set_fd(tls_.get(), socket_);
  X509_VERIFY_PARAM* checks = SSL_get0_param(tls_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(checks, target.host.c_str()) != 1) {
    ERR_clear_error();
    SSL_set1_host(tls_.get(), target.host.c_str());
    // What SSL_set_tlsext_host_name means, without the C cast of the macro.
    SSL_ctrl(tls_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(target.host.c_str()));
  }
  return Done{};
}

Status Stream::start_tls(const Target& target, const Deadline& deadline,
                         const std::stop_token& stop) {
  if (Status prepared = prepare_tls(target); !prepared) return prepared;
  while (true) {
    const SigpipeBlock no_sigpipe;
    const int result = SSL_connect(tls_.get());
    if (result == 1) return Done{};
    const Moved moved = tls_outcome(result, read_wants_);
    if (moved.io != Io::would_block) {
      const long verified = SSL_get_verify_result(tls_.get());
      return unavailable("the TLS handshake failed: " +
                         (verified != X509_V_OK    ? X509_verify_cert_error_string(verified)
                          : moved.io == Io::closed ? "closed by the peer"
                                                   : fault_));
    }
    const Waited waited = wait(false, deadline, stop);
    if (waited != Waited::ready) return not_in_time(waited, "the TLS handshake");
  }
}

Stream::Moved Stream::tls_outcome(int result, short& wants) {
  const int number = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wants = POLLIN;
      return {Io::would_block};
    case SSL_ERROR_WANT_WRITE:
      wants = POLLOUT;
      return {Io::would_block};
    case SSL_ERROR_ZERO_RETURN:
      return {Io::closed};
    case SSL_ERROR_SYSCALL:
      fault_ = number != 0 ? system_message(number) : "the connection broke";
      ERR_clear_error();
      return {Io::failed};
    default:
      fault_ = sanitize(openssl_message());
      return {Io::failed};
  }
}

Stream::Moved Stream::read(char* bytes, std::size_t bytes_max) {
  if (tls_) {
    const SigpipeBlock no_sigpipe;
    std::size_t count = 0;
    read_wants_ = POLLIN;
    const int result = SSL_read_ex(tls_.get(), bytes, bytes_max, &count);
    return result == 1 ? Moved{Io::moved, count} : tls_outcome(result, read_wants_);
  }
  const ssize_t count = ::recv(socket_, bytes, bytes_max, 0);
  if (count > 0) return {Io::moved, static_cast<std::size_t>(count)};
  if (count == 0) return {Io::closed};
  if (errno == EAGAIN || errno == EINTR) return {Io::would_block};
  fault_ = system_message(errno);
  return {Io::failed};
}

Stream::Moved Stream::write(const char* bytes, std::size_t count) {
  if (tls_) {
    const SigpipeBlock no_sigpipe;
    std::size_t written = 0;
    write_wants_ = POLLOUT;
    const int result = SSL_write_ex(tls_.get(), bytes, count, &written);
    return result == 1 ? Moved{Io::moved, written} : tls_outcome(result, write_wants_);
  }
  const ssize_t written = ::send(socket_, bytes, count, MSG_NOSIGNAL);
  if (written >= 0) return {Io::moved, static_cast<std::size_t>(written)};
  if (errno == EAGAIN || errno == EINTR) return {Io::would_block};
  fault_ = system_message(errno);
  return {Io::failed};
}

Stream::Waited Stream::wait(bool to_write, const Deadline& deadline,
                            const std::stop_token& stop) const {
  const auto slice = stop.stop_possible() ? 50ms : 10'000ms;
  const short events = static_cast<short>(to_write ? read_wants_ | write_wants_ : read_wants_);
  while (true) {
    if (stop.stop_requested()) return Waited::stopped;
    if (deadline.passed()) return Waited::timeout;
    pollfd watched{socket_, events, 0};
    const auto at_most = std::min<std::chrono::milliseconds>(deadline.remaining(), slice);
    if (::poll(&watched, 1, static_cast<int>(at_most.count())) > 0) return Waited::ready;
  }
}

}  // namespace belay::net
