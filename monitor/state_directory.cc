#include "monitor/state_directory.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::monitor {
namespace {

constexpr off_t kReserveBytes = 8 * 1024 * 1024;
constexpr const char* kReserveName = "reserve";
constexpr const char* kLockName = "lock";

Error fault(Error::Kind kind, const std::filesystem::path& path, const std::string& what) {
  return Error{kind, path.string() + ": " + what};
}

Error fault_of_errno(const std::filesystem::path& path, const char* what) {
  const std::error_code code(errno, std::generic_category());
  return fault(Error::Kind::failed, path, std::string(what) + ": " + code.message());
}

Status check_directory(int descriptor, const std::filesystem::path& path) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return fault_of_errno(path, "cannot be examined");
  if (facts.st_uid != ::geteuid()) {
    return fault(Error::Kind::invalid, path, "belongs to another user; give Belay one of its own");
  }
  if ((facts.st_mode & 077) != 0) {
    return fault(Error::Kind::invalid, path,
                 "others may enter it; run: chmod 700 " + path.string());
  }
  return Done{};
}

Status check_facts(const struct stat& facts, const std::filesystem::path& path) {
  if (!S_ISREG(facts.st_mode)) {
    return fault(Error::Kind::invalid, path, "is not a regular file; remove it");
  }
  if (facts.st_uid != ::geteuid()) {
    return fault(Error::Kind::invalid, path, "belongs to another user; remove it");
  }
  if (facts.st_nlink != 1) {
    return fault(Error::Kind::invalid, path, "has another name elsewhere; remove it");
  }
  if ((facts.st_mode & 077) != 0) {
    return fault(Error::Kind::invalid, path, "others may use it; run: chmod 600 " + path.string());
  }
  return Done{};
}

/// Nothing if the file does not say.
std::optional<pid_t> holder_of(int lock) {
  std::array<char, 32> text{};
  const ssize_t length = ::pread(lock, text.data(), text.size(), 0);
  pid_t pid = 0;
  const char* const end = text.data() + (length > 0 ? length : 0);
  const auto parsed = std::from_chars(text.data(), end, pid);
  return parsed.ec == std::errc{} && pid > 0 ? std::optional(pid) : std::nullopt;
}

std::string words_of(const std::optional<pid_t>& holder) {
  return holder ? "process " + std::to_string(*holder) : "another process";
}

bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

/// What a Belay that was killed was about to start has its lock until it is the other program.
constexpr auto kStartTakes = std::chrono::seconds{5};
constexpr auto kLookAgain = std::chrono::milliseconds{10};

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::path given = std::filesystem::absolute(path, code).lexically_normal();
  if (!given.has_filename()) given = given.parent_path();  // "state/" would follow a link
  std::filesystem::create_directories(given.parent_path(), code);
  if (::mkdir(given.c_str(), 0700) != 0 && errno != EEXIST) {
    return fault_of_errno(given, "cannot be made");
  }
  StateDirectory state;
  state.directory_ = ::open(given.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (state.directory_ < 0 && (errno == ENOTDIR || errno == ELOOP)) {
    return fault(Error::Kind::invalid, given, "must be a directory, not a link or a file");
  }
  if (state.directory_ < 0) return fault_of_errno(given, "cannot be opened");
  if (Status fine = check_directory(state.directory_, given); !fine.ok()) return fine.error();
  state.path_ = std::filesystem::canonical(given.parent_path(), code) / given.filename();
  if (code) return fault(Error::Kind::failed, given, "cannot be resolved: " + code.message());
  if (Status taken = state.take_lock(); !taken.ok()) return taken.error();
  return state;
}

StateDirectory::~StateDirectory() {
  if (lock_ >= 0) ::close(lock_);
  if (directory_ >= 0) ::close(directory_);
}

Status StateDirectory::take_lock() {
  const std::filesystem::path path = path_ / kLockName;
  if (Status fine = check_file(kLockName, true); !fine.ok()) return fine;
  lock_ = ::openat(directory_, kLockName, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (lock_ < 0) return fault_of_errno(path, "cannot be opened");
  const auto until = std::chrono::steady_clock::now() + kStartTakes;
  while (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fault_of_errno(path, "cannot be locked");
    const std::optional<pid_t> holder = holder_of(lock_);
    if (holder && is_gone(*holder) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kLookAgain);
      continue;
    }
    return Error{Error::Kind::conflict,
                 path_.string() + " is in use by " + words_of(holder) +
                     ", and two monitors would act twice: end that one, or let it do this (`belay "
                     "gate` without --standalone asks the one that runs); another `state` is for "
                     "another belay.yaml"};
  }
  // The pid is for people: a full disk must not keep us from starting.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) == 0) static_cast<void>(::pwrite(lock_, pid.data(), pid.size(), 0));
  return Done{};
}

Status StateDirectory::check_file(const std::string& name, bool make) const {
  const std::filesystem::path path = path_ / name;
  if (make) {
    const int made = ::openat(directory_, name.c_str(),
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (made >= 0) {
      ::close(made);
    } else if (errno != EEXIST) {
      return fault_of_errno(path, "cannot be made");
    }
  }
  struct stat facts {};
  if (::fstatat(directory_, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT && !make) return Done{};
    return fault_of_errno(path, "cannot be examined");
  }
  return check_facts(facts, path);
}

Status StateDirectory::know(const std::vector<std::string>& names) {
  known_.clear();
  for (const std::string& name : names) {
    struct stat facts {};
    const bool is_there = ::fstatat(directory_, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno == ENOENT) continue;
    if (!is_there) return fault_of_errno(path_ / name, "cannot be examined");
    known_.push_back({name, facts.st_dev, facts.st_ino});
  }
  return Done{};
}

Status StateDirectory::is_in_place() const {
  const auto is_at = [](const std::filesystem::path& path, dev_t device, ino_t number) {
    struct stat facts {};
    return ::lstat(path.c_str(), &facts) == 0 && facts.st_dev == device && facts.st_ino == number;
  };
  const auto gone = [](const std::filesystem::path& path) {
    return fault(Error::Kind::failed, path,
                 "was removed, moved or replaced while it was in use; restart Belay");
  };
  struct stat facts {};
  if (::fstat(directory_, &facts) != 0) return fault_of_errno(path_, "cannot be examined");
  if (!is_at(path_, facts.st_dev, facts.st_ino)) return gone(path_);
  if (::fstat(lock_, &facts) != 0) return fault_of_errno(path_ / kLockName, "cannot be examined");
  if (!is_at(path_ / kLockName, facts.st_dev, facts.st_ino)) return gone(path_ / kLockName);
  for (const auto& [name, device, number] : known_)
    if (!is_at(path_ / name, device, number)) return gone(path_ / name);
  return Done{};
}

Status StateDirectory::sync() const {
  if (::fsync(directory_) != 0) return fault_of_errno(path_, "cannot be made durable");
  return Done{};
}

bool StateDirectory::hold_reserve() const {
  const int reserve =
      ::openat(directory_, kReserveName, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (reserve < 0) return false;
  const bool held = ::posix_fallocate(reserve, 0, kReserveBytes) == 0;
  ::close(reserve);
  if (!held) release_reserve();
  return held;
}

void StateDirectory::release_reserve() const { ::unlinkat(directory_, kReserveName, 0); }

Result<std::filesystem::path> StateDirectory::set_aside(const std::string& name) const {
  std::string aside;
  for (int count = 1; aside.empty(); ++count) {
    std::string candidate = name + ".damaged-" + std::to_string(count);
    if (::faccessat(directory_, candidate.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
      aside = std::move(candidate);
    }
  }
  for (const char* suffix : {"-wal", "-shm", "-journal", ""}) {
    const std::string from = name + suffix;
    const std::string to = aside + suffix;
    if (::renameat(directory_, from.c_str(), directory_, to.c_str()) != 0 && errno != ENOENT) {
      return fault_of_errno(path_ / from, "is damaged and cannot be set aside");
    }
  }
  if (Status durable = sync(); !durable.ok()) return durable.error();
  return path_ / aside;
}

Result<StateStanding> examine_state(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::path given = std::filesystem::absolute(path, code).lexically_normal();
  if (!given.has_filename()) given = given.parent_path();
  const int directory = ::open(given.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0 && errno == ENOENT) {
    std::filesystem::path above = given.parent_path();
    while (!std::filesystem::exists(above, code) && above.has_relative_path()) {
      above = above.parent_path();
    }
    if (::access(above.c_str(), W_OK | X_OK) != 0) return fault_of_errno(above, "cannot be used");
    return StateStanding{};
  }
  if (directory < 0 && (errno == ENOTDIR || errno == ELOOP)) {
    return fault(Error::Kind::invalid, given, "must be a directory, not a link or a file");
  }
  if (directory < 0) return fault_of_errno(given, "cannot be opened");
  const Status fine = check_directory(directory, given);
  const int lock = ::openat(directory, kLockName, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  ::close(directory);
  StateStanding standing{.exists = true};
  if (lock >= 0) {
    if (::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      standing.holder = words_of(holder_of(lock));
    }
    ::close(lock);
  }
  if (!fine.ok()) return fine.error();
  return standing;
}

}  // namespace belay::monitor
