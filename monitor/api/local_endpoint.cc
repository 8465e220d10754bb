#include "monitor/api/local_endpoint.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/descriptor.h"

namespace belay::monitor {
namespace {

constexpr const char* kName = "api";
constexpr const char* kNewName = "api.new";

Error fault(const std::filesystem::path& path, const std::string& what) {
  return Error{Error::Kind::failed, path.string() + ": " + what};
}

std::string errno_text() { return std::error_code(errno, std::generic_category()).message(); }

bool is_ours_alone(const struct stat& facts) {
  return S_ISREG(facts.st_mode) && facts.st_uid == ::geteuid() && (facts.st_mode & 077) == 0;
}

}  // namespace

Status write_local_endpoint(const std::filesystem::path& state, const LocalEndpoint& endpoint) {
  const std::filesystem::path made = state / kNewName;
  ::unlink(made.c_str());
  const net::Descriptor file(
      ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return fault(made, errno_text());
  const std::string text = endpoint.url + "\n" + endpoint.token.reveal() + "\n";
  const ssize_t written = ::write(file.number(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    const std::string why = errno_text();
    ::unlink(made.c_str());
    return fault(made, why);
  }
  if (::rename(made.c_str(), (state / kName).c_str()) != 0) {
    return fault(state / kName, errno_text());
  }
  return Done{};
}

Result<LocalEndpoint> read_local_endpoint(const std::filesystem::path& state) {
  const std::filesystem::path path = state / kName;
  const net::Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open() && errno == ENOENT) {
    return Error{Error::Kind::not_found, "no daemon runs with the state " + state.string() +
                                             " (none has left its address there)"};
  }
  if (!file.is_open()) return fault(path, errno_text());
  struct stat facts {};
  if (::fstat(file.number(), &facts) != 0) return fault(path, errno_text());
  // Someone else's file would send our token to someone else's address.
  if (!is_ours_alone(facts)) return fault(path, "is not ours alone; remove it");
  std::array<char, 1024> buffer{};
  const ssize_t count = ::read(file.number(), buffer.data(), buffer.size());
  if (count < 0) return fault(path, errno_text());
  const std::string text(buffer.data(), static_cast<std::size_t>(count));
  const std::size_t first = text.find('\n');
  const std::size_t second = first == std::string::npos ? first : text.find('\n', first + 1);
  if (second == std::string::npos) return fault(path, "is not what a daemon writes; remove it");
  return LocalEndpoint{text.substr(0, first), Secret(text.substr(first + 1, second - first - 1))};
}

void remove_local_endpoint(const std::filesystem::path& state) {
  ::unlink((state / kName).c_str());
}

}  // namespace belay::monitor
