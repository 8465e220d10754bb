#include "exporters/spool_directory.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/append_all.h"
#include "net/descriptor.h"

namespace belay::exporters {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kSuffix = ".json";

std::string name_of(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return digits.append(kSuffix);
}

std::optional<std::uint64_t> number_in(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + kDigits;
  const auto parsed = std::from_chars(name.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  if (number == 0 || number > SpoolDirectory::kNumberMax) return std::nullopt;
  return number;
}

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

}  // namespace

Error SpoolDirectory::fault(const char* what) const {
  const std::error_code code(errno, std::generic_category());
  return Error{Error::Kind::failed, path_.string() + ": " + what + ": " + code.message()};
}

Result<SpoolDirectory> SpoolDirectory::open(const std::filesystem::path& path) {
  SpoolDirectory spool;
  spool.path_ = path;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return spool.fault("cannot be made");
  spool.directory_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (spool.directory_ < 0) return spool.fault("cannot be opened as a directory");
  struct stat facts {};
  if (::fstat(spool.directory_, &facts) != 0) return spool.fault("cannot be examined");
  if (facts.st_uid != ::geteuid()) {
    return Error{Error::Kind::invalid,
                 path.string() +
                     ": belongs to another user; give it, and the messages that it holds, to the "
                     "one that Belay runs as: chown -R"};
  }
  if ((facts.st_mode & 077) != 0) {
    return Error{Error::Kind::invalid, path.string() + ": others may enter it: chmod 700 it"};
  }
  if (::flock(spool.directory_, LOCK_EX | LOCK_NB) == 0) return spool;
  if (errno != EWOULDBLOCK) return spool.fault("cannot be locked");
  return Error{Error::Kind::conflict, path.string() + ": is in use by another process"};
}

SpoolDirectory::~SpoolDirectory() {
  if (directory_ >= 0) ::close(directory_);
}

Result<std::vector<std::uint64_t>> SpoolDirectory::numbers() const {
  const int again = ::openat(directory_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseDirectory> stream(again < 0 ? nullptr : ::fdopendir(again));
  if (!stream) {
    if (again >= 0) ::close(again);
    return fault("cannot be listed");
  }
  std::vector<std::uint64_t> numbers;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (const auto number = number_in(static_cast<const char*>(entry->d_name))) {
      numbers.push_back(*number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<std::string> SpoolDirectory::read(std::uint64_t number, std::size_t bytes_max) const {
  // A pipe that was put there must not hold up the start.
  const net::Descriptor file(::openat(directory_, name_of(number).c_str(),
                                      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.number() < 0) return fault("a message cannot be opened");
  struct stat facts {};
  if (::fstat(file.number(), &facts) != 0) return fault("a message cannot be examined");
  if (!S_ISREG(facts.st_mode) || facts.st_uid != ::geteuid() ||
      static_cast<std::size_t>(facts.st_size) > bytes_max) {
    return Error{Error::Kind::invalid, path_.string() + ": holds what is no message of ours"};
  }
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t got = ::pread(file.number(), text.data(), text.size(), 0);
  if (got < 0) return fault("a message cannot be read");
  text.resize(static_cast<std::size_t>(got));
  return text;
}

Status SpoolDirectory::write(std::uint64_t number, std::string_view text) const {
  const std::string name = name_of(number);
  const net::Descriptor file(::openat(directory_, name.c_str(),
                                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.number() < 0) return fault("a message cannot be kept");
  if (append_all(file.number(), text) == 0) return Done{};
  Error error = fault("a message cannot be kept");
  ::unlinkat(directory_, name.c_str(), 0);
  return error;
}

Status SpoolDirectory::sync(std::uint64_t number) const {
  const net::Descriptor file(
      ::openat(directory_, name_of(number).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.number() < 0 || ::fsync(file.number()) != 0 || ::fsync(directory_) != 0) {
    return fault("a message cannot be made durable");
  }
  return Done{};
}

Status SpoolDirectory::remove(std::uint64_t number) const {
  if (::unlinkat(directory_, name_of(number).c_str(), 0) == 0 || errno == ENOENT) return Done{};
  return fault("a message cannot be removed");
}

}  // namespace belay::exporters
