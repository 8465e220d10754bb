#include "tests/support/paths.h"

namespace belay::test {

std::filesystem::path source_dir() { return BELAY_SOURCE_DIR; }

std::filesystem::path data_path(std::string_view name) {
  return source_dir() / "tests" / "data" / name;
}

std::filesystem::path belay_binary() { return BELAY_BINARY; }

}  // namespace belay::test
