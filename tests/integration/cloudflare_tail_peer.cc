#include "tests/integration/cloudflare_tail_peer.h"

#include <array>
#include <optional>
#include <utility>

#include <openssl/evp.h>

namespace belay::test {
namespace {

constexpr char kText = 1;
constexpr char kClose = 8;
constexpr char kPing = 9;
constexpr char kPong = 10;
constexpr const char* kSubprotocol = "trace-v1";

std::string accept_of(const std::string& key) {
  const std::string salted = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(salted.data(), salted.size(), digest.data(), &length, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> text{};
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(length));
  return reinterpret_cast<const char*>(text.data());
}

/// For payloads below 64 KiB, unmasked as a server's are.
std::string frame(char opcode, std::string_view payload) {
  std::string bytes{static_cast<char>(0x80 | opcode)};
  if (payload.size() < 126) {
    bytes += static_cast<char>(payload.size());
  } else {
    bytes += static_cast<char>(126);
    bytes += static_cast<char>(payload.size() >> 8);
    bytes += static_cast<char>(payload.size() & 0xff);
  }
  return bytes.append(payload);
}

struct Frame {
  char opcode = 0;
  std::string payload;
};

/// The frames of a client, one by one. Takes unmasked ones too: wrangler's greeting is.
class Frames {
 public:
  explicit Frames(PeerConnection& connection)
      : connection_(connection), at_(connection.received().find("\r\n\r\n") + 4) {}

  std::optional<Frame> next() {
    if (!connection_.read_at_least(at_ + 2)) return std::nullopt;
    const bool masked = (byte(1) & 0x80) != 0;
    // Nothing that this client says is longer than 125 bytes.
    const std::size_t length = byte(1) & 0x7f;
    const std::size_t payload_at = masked ? 6 : 2;
    if (!connection_.read_at_least(at_ + payload_at + length)) return std::nullopt;
    Frame frame{static_cast<char>(byte(0) & 0x0f), {}};
    for (std::size_t i = 0; i < length; ++i) {
      const unsigned mask = masked ? byte(2 + i % 4) : 0U;
      frame.payload += static_cast<char>(byte(payload_at + i) ^ mask);
    }
    at_ += payload_at + length;
    return frame;
  }

 private:
  [[nodiscard]] unsigned byte(std::size_t offset) const {
    return static_cast<unsigned char>(connection_.received()[at_ + offset]);
  }
  PeerConnection& connection_;
  std::size_t at_;
};

std::string success(const std::string& result) {
  return http_response(200, R"({"success":true,"errors":[],"messages":[],"result":)" + result + "}",
                       "Content-Type: application/json\r\n");
}

}  // namespace

CloudflareTailPeer::CloudflareTailPeer(std::vector<std::string> messages, std::vector<End> ends)
    : messages_(std::move(messages)),
      ends_(std::move(ends)),
      peer_([this](PeerConnection& connection) { serve(connection); }) {}

int CloudflareTailPeer::created() {
  const std::scoped_lock lock(mutex_);
  return created_;
}

int CloudflareTailPeer::deleted() {
  const std::scoped_lock lock(mutex_);
  return deleted_;
}

std::vector<std::string> CloudflareTailPeer::greetings() {
  const std::scoped_lock lock(mutex_);
  return greetings_;
}

std::vector<PeerRequest> CloudflareTailPeer::strange() {
  const std::scoped_lock lock(mutex_);
  return strange_;
}

void CloudflareTailPeer::serve(PeerConnection& connection) {
  const std::optional<PeerRequest> request = read_request(connection);
  if (!request) return;
  const bool of_tails = request->target.find("/workers/scripts/shop/tails") != std::string::npos;
  if (request->header("upgrade") == "websocket") {
    tail(connection, *request);
  } else if (of_tails && request->method == "POST" && request->body == R"({"filters":[]})") {
    create(connection);
  } else if (of_tails && request->method == "DELETE") {
    remove(connection);
  } else {
    const std::scoped_lock lock(mutex_);
    strange_.push_back(*request);
  }
}

void CloudflareTailPeer::create(PeerConnection& connection) {
  std::string id;
  {
    const std::scoped_lock lock(mutex_);
    id = "tail-" + std::to_string(++created_);
  }
  const std::string url = "ws://127.0.0.1:" + std::to_string(peer_.port()) + "/" + id;
  connection.send(success(R"({"id":")" + id + R"(","url":")" + url +
                          R"(","expires_at":"2099-01-01T00:00:00Z"})"));
}

void CloudflareTailPeer::remove(PeerConnection& connection) {
  {
    const std::scoped_lock lock(mutex_);
    ++deleted_;
  }
  connection.send(success("null"));
}

void CloudflareTailPeer::tail(PeerConnection& connection, const PeerRequest& upgrade) {
  if (upgrade.header("sec-websocket-protocol") != kSubprotocol) {
    connection.send(http_response(400, ""));
    return;
  }
  connection.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Protocol: trace-v1\r\nSec-WebSocket-Accept: " +
      accept_of(upgrade.header("sec-websocket-key")) + "\r\n\r\n");
  Frames frames(connection);
  const std::optional<Frame> greeting = frames.next();
  if (!greeting) return;
  {
    const std::scoped_lock lock(mutex_);
    greetings_.push_back(greeting->payload);
  }
  for (const std::string& message : messages_) {
    if (!connection.send(frame(kText, message))) return;
  }
  const End end = next_end();
  if (end == End::dropped) return;
  if (end == End::closed) connection.send(frame(kClose, "\x03\xe8"));
  std::optional<Frame> heard = frames.next();
  while (heard && heard->opcode != kClose) {
    if (heard->opcode == kPing) connection.send(frame(kPong, heard->payload));
    heard = frames.next();
  }
  if (heard && end == End::never) connection.send(frame(kClose, heard->payload));
}

CloudflareTailPeer::End CloudflareTailPeer::next_end() {
  const std::scoped_lock lock(mutex_);
  const std::size_t turn = opened_++;
  return turn < ends_.size() ? ends_[turn] : End::never;
}

}  // namespace belay::test
