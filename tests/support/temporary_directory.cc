#include "tests/support/temporary_directory.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

#include "base/check.h"

namespace belay::test {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "belay-test-XXXXXX").string();
  BELAY_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary directory");
  path_ = std::filesystem::canonical(pattern);  // Whoever asks the system hears this name.
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // A child that is just ending may still write into it.
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryDirectory::write(std::string_view name,
                                                std::string_view content) const {
  const std::filesystem::path path = path_ / name;
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  BELAY_CHECK(file.good(), "a test's file could not be written");
  return path;
}

}  // namespace belay::test
