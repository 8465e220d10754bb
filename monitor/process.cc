#include "monitor/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/find_program.h"
#include "monitor/process_mark.h"

namespace belay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_fd(read);
    close_fd(write);
  }
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

/// Everything that the child needs, made before the fork: behind it only calls that are safe in a
/// signal handler are allowed, for another thread may have held a lock.
struct Launch {
  std::string path;
  std::vector<char*> argv;
  std::vector<std::string> environment_texts;
  std::vector<char*> environment;
  Pipe out;
  Pipe err;
  Pipe failure;
  int null = -1;
  pid_t parent = 0;
  Launch() = default;
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch() { close_fd(null); }
};

std::vector<std::string> merged_environment(const Program& program) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    merged.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : program.environment) merged[name] = value;
  std::vector<std::string> texts;
  for (const auto& [name, value] : merged) texts.push_back(name + '=' + value);
  return texts;
}

[[noreturn]] void become(const Launch& launch) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != launch.parent) ::_exit(127);  // It died before the line above.
  // Ignored signals stay ignored over exec, and we ignore SIGPIPE.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool wired = ::dup2(launch.null, 0) >= 0 && ::dup2(launch.out.write, 1) >= 0 &&
                     ::dup2(launch.err.write, 2) >= 0;
  // Whatever a library opened without close-on-exec is not the program's to have.
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  if (wired) ::execve(launch.path.c_str(), launch.argv.data(), launch.environment.data());
  const int error = errno;
  static_cast<void>(!::write(launch.failure.write, &error, sizeof error));
  ::_exit(127);
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

Status check(const Program& program) {
  bool good = !program.argv.empty() && !program.argv.front().empty();
  for (const auto& argument : program.argv) good = good && !has_nul(argument);
  for (const auto& [name, value] : program.environment) {
    good = good && !name.empty() && name.find('=') == std::string::npos;
    good = good && !has_nul(name) && !has_nul(value);
  }
  if (good) return Done{};
  return Error{Error::Kind::invalid, "a program needs a name, and no NUL in its arguments"};
}

Error system_error(const std::string& what, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return {missing ? Error::Kind::not_found : Error::Kind::failed,
          what + ": " + std::strerror(error)};
}

Status prepare(const Program& program, Launch& launch) {
  if (Status good = check(program); !good) return good;
  const std::string& name = program.argv.front();
  launch.path = name;
  if (name.find('/') == std::string::npos) {
    const auto found = find_program(name);
    if (!found) return Error{Error::Kind::not_found, "no program \"" + name + "\" in PATH"};
    launch.path = *found;
  }
  for (const auto& argument : program.argv)
    launch.argv.push_back(const_cast<char*>(argument.c_str()));
  launch.argv.push_back(nullptr);
  launch.environment_texts = merged_environment(program);
  for (auto& text : launch.environment_texts) launch.environment.push_back(text.data());
  launch.environment.push_back(nullptr);
  launch.null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  launch.parent = ::getpid();
  if (launch.null < 0 || !launch.out.open() || !launch.err.open() || !launch.failure.open()) {
    return system_error("cannot start \"" + name + "\"", errno);
  }
  return Done{};
}

bool wait_readable(int fd, milliseconds at_most) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  const auto until = steady_clock::now() + at_most;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    const int got = ::poll(&ready, 1, static_cast<int>(std::max(left, milliseconds{0}).count()));
    if (got > 0) return true;
    if (got == 0) return false;
    if (errno != EINTR) return false;
  }
}

/// Whether the group has a member that still runs. A zombie that nobody reaps (an init that does
/// not) would look alive to kill().
bool group_runs(pid_t group) {
  if (::kill(-group, 0) != 0) return false;
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator at("/proc", error); !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(at->path() / "stat");
    std::string stat;
    std::getline(file, stat);
    const std::size_t name_end = stat.rfind(')');  // The name may hold anything, blanks too.
    if (name_end == std::string::npos) continue;
    std::istringstream fields(stat.substr(name_end + 1));
    char state = 'Z';
    pid_t parent = 0;
    pid_t its_group = 0;
    fields >> state >> parent >> its_group;
    if (its_group == group && state != 'Z' && state != 'X') return true;
  }
  return false;
}

}  // namespace

std::string ProcessEnd::text() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  const char* name = ::sigdescr_np(signal);
  return "signal " + std::to_string(signal) +
         (name != nullptr ? " (" + std::string(name) + ")" : "");
}

Result<Process> Process::start(const Program& given) {
  Process process;
  Program program = given;
  if (program.leaves_nothing) {
    program.environment.push_back(process.mark_.emplace(make_process_mark()));
  }
  Launch launch;
  if (Status ready = prepare(program, launch); !ready) return ready.error();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("cannot start \"" + program.argv.front() + "\"", errno);
  if (pid == 0) become(launch);
  ::setpgid(pid, pid);  // Both sides do it: whichever comes first.
  close_fd(launch.out.write);
  close_fd(launch.err.write);
  close_fd(launch.failure.write);
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(launch.failure.read, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  process.pid_ = pid;
  process.ended_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (got == static_cast<ssize_t>(sizeof error)) {
    return system_error("cannot start \"" + program.argv.front() + "\"", error);
  }
  if (process.ended_ < 0) return system_error("cannot watch a child process", errno);
  process.out_ = std::exchange(launch.out.read, -1);
  process.err_ = std::exchange(launch.err.read, -1);
  ::fcntl(process.out_, F_SETFL, O_NONBLOCK);
  ::fcntl(process.err_, F_SETFL, O_NONBLOCK);
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  if (pid_ > 0) end(milliseconds{0});
  close_all();
  pid_ = std::exchange(other.pid_, -1);
  out_ = std::exchange(other.out_, -1);
  err_ = std::exchange(other.err_, -1);
  ended_ = std::exchange(other.ended_, -1);
  end_ = std::exchange(other.end_, std::nullopt);
  mark_ = std::exchange(other.mark_, std::nullopt);
  return *this;
}

Process::~Process() {
  if (pid_ > 0) end(milliseconds{0});
  close_all();
}

void Process::close_all() {
  close_fd(out_);
  close_fd(err_);
  close_fd(ended_);
}

std::optional<ProcessEnd> Process::ended() {
  if (end_) return end_;
  siginfo_t status{};
  // Not reaped yet: as long as it is a zombie nobody else can get its number, and its group's.
  const int got = ::waitid(P_PID, static_cast<id_t>(pid_), &status, WEXITED | WNOHANG | WNOWAIT);
  if (got != 0 || status.si_pid == 0) return std::nullopt;
  if (status.si_code == CLD_EXITED) return ProcessEnd{.code = status.si_status};
  return ProcessEnd{.signal = status.si_status};
}

bool Process::ends_within(milliseconds at_most) const { return wait_readable(ended_, at_most); }

ProcessEnd Process::end(milliseconds grace) {
  if (end_) return *end_;
  const auto until = steady_clock::now() + grace;
  if (grace.count() > 0) {
    ::kill(-pid_, SIGTERM);
    if (wait_readable(ended_, grace)) {
      // Its own children may still be putting their things in order. A group's number is taken as
      // long as it has a member.
      constexpr milliseconds kLook{10};
      while (group_runs(pid_) && steady_clock::now() < until) {
        ::poll(nullptr, 0, static_cast<int>(kLook.count()));
      }
    }
  }
  // Reaped last: until then nobody else can get the number, and be ended in its place.
  ::kill(-pid_, SIGKILL);
  siginfo_t status{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &status, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) break;
  }
  end_ = ended().value_or(ProcessEnd{.signal = SIGKILL});
  ::waitpid(pid_, nullptr, 0);
  if (mark_) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    end_marked(*mark_, std::max(left, milliseconds{0}));
  }
  return *end_;
}

}  // namespace belay::monitor
