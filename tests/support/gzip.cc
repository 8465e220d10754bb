#include "tests/support/gzip.h"

#include <zlib.h>

#include "base/check.h"

namespace belay::test {

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  BELAY_CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9,
                           Z_DEFAULT_STRATEGY) == Z_OK,
              "no memory to deflate");
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  BELAY_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate failed");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace belay::test
