#include "monitor/config/written_path.h"

#include <system_error>

namespace belay::monitor {

std::filesystem::path directory_of_file(const std::string& file) {
  std::error_code code;
  const std::filesystem::path absolute = std::filesystem::absolute(file, code);
  return (code ? std::filesystem::path(file) : absolute).parent_path();
}

std::filesystem::path path_in(const std::filesystem::path& directory, const std::string& written) {
  std::filesystem::path path = directory;
  for (const std::filesystem::path& part : std::filesystem::path(written)) {
    if (part != ".") path /= part;
  }
  return path;
}

}  // namespace belay::monitor
