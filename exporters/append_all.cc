#include "exporters/append_all.h"

#include <cerrno>

#include <unistd.h>

namespace belay::exporters {

int append_all(int file, std::string_view& text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace belay::exporters
