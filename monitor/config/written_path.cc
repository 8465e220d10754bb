#include "monitor/config/written_path.h"

#include <cstdlib>
#include <system_error>

namespace belay::monitor {
namespace {

/// As it was named. The working directory that the system tells has no link in it: the shell's
/// $PWD has, where it is still the same directory.
std::filesystem::path named(const std::string& file) {
  std::error_code code;
  const char* const told = std::getenv("PWD");  // NOLINT(concurrency-mt-unsafe)
  const std::filesystem::path here = told == nullptr ? "" : told;
  const bool is_here = here.is_absolute() && std::filesystem::equivalent(here, ".", code);
  return (is_here ? here / file : std::filesystem::absolute(file, code)).lexically_normal();
}

}  // namespace

std::filesystem::path directory_of_file(const std::string& file) {
  std::error_code code;
  const std::filesystem::path absolute = std::filesystem::absolute(file, code);
  return (code ? std::filesystem::path(file) : absolute).parent_path();
}

Result<std::filesystem::path> state_path(const std::string& file, const std::string& written) {
  std::error_code code;
  std::filesystem::path state = path_in(directory_of_file(file), written);
  const std::filesystem::path itself = std::filesystem::canonical(file, code);
  const bool is_linked = !code && itself != named(file);
  if (!is_linked || std::filesystem::path(written).is_absolute()) return state;
  std::string message = file +
                        " is reached through a link, and a relative `state` would be another one "
                        "when the link changes: write where it lies, `state: /…`";
  for (const auto& there : {std::move(state), path_in(itself.parent_path(), written)})
    if (std::filesystem::exists(there, code)) message += "; one lies in " + there.string();
  return Error{Error::Kind::invalid, std::move(message)};
}

std::filesystem::path path_in(const std::filesystem::path& directory, const std::string& written) {
  std::filesystem::path path = directory;
  for (const std::filesystem::path& part : std::filesystem::path(written)) {
    if (part != ".") path /= part;
  }
  return path;
}

}  // namespace belay::monitor
