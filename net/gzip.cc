#include "net/gzip.h"

#include <algorithm>
#include <array>
#include <limits>

#include <zlib.h>

namespace belay::net {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

Error damaged() {
  return Error{.kind = Error::Kind::invalid, .message = "not gzip, damaged, or cut off"};
}

/// inflateEnd, whatever happens.
struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipOnly) == Z_OK;
  Inflater() = default;
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) return damaged();
  Inflater inflater;
  BELAY_CHECK(inflater.ready, "no memory to inflate");
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string inflated;
  std::array<char, 16 * 1024> piece;  // NOLINT: filled by inflate
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    const int code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) return damaged();
    const std::size_t made = piece.size() - stream.avail_out;
    if (made > bytes_max - inflated.size()) {
      return Error{.kind = Error::Kind::failed,
                   .message = "inflates to more than " + std::to_string(bytes_max) + " bytes"};
    }
    inflated.append(piece.data(), made);
    if (code != Z_STREAM_END) continue;
    if (stream.avail_in == 0) return inflated;
    if (inflateReset(&stream) != Z_OK) return damaged();
  }
}

}  // namespace belay::net
