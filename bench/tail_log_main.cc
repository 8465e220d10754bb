// Writes a tail log to standard output: belay_tail_log MEGABYTES [indented].

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/tail_log.h"

int main(int argc, char** argv) {
  const long megabytes = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  const bool indented = argc > 2 && std::string_view(argv[2]) == "indented";
  if (megabytes < 1 || megabytes > 10'000 || argc > 3 || (argc == 3 && !indented)) {
    std::fputs("usage: belay_tail_log MEGABYTES [indented]\n", stderr);
    return 2;
  }
  const std::string log =
      belay::bench::tail_log(static_cast<std::size_t>(megabytes) * 1'000'000, indented);
  const bool written = std::fwrite(log.data(), 1, log.size(), stdout) == log.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}
