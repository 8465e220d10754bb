#include "monitor/config/written_path.h"

#include <system_error>

namespace belay::monitor {

std::filesystem::path directory_of_file(const std::string& file) {
  std::error_code code;
  const std::filesystem::path absolute = std::filesystem::absolute(file, code);
  return (code ? std::filesystem::path(file) : absolute).parent_path();
}

Result<std::filesystem::path> state_path(const std::string& file, const std::string& written) {
  std::error_code code;
  const std::filesystem::path beside_link = path_in(directory_of_file(file), written);
  const std::filesystem::path itself = std::filesystem::canonical(file, code);
  if (code) return beside_link;
  std::filesystem::path state = path_in(itself.parent_path(), written);
  if (std::filesystem::exists(state, code) || !std::filesystem::exists(beside_link, code))
    return state;
  return Error{Error::Kind::invalid, file + " is a link, and its state lies beside it: move " +
                                         beside_link.string() + " to " + state.string() +
                                         ", or write `state: " + beside_link.string() + "`"};
}

std::filesystem::path path_in(const std::filesystem::path& directory, const std::string& written) {
  std::filesystem::path path = directory;
  for (const std::filesystem::path& part : std::filesystem::path(written)) {
    if (part != ".") path /= part;
  }
  return path;
}

}  // namespace belay::monitor
