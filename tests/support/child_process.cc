#include "tests/support/child_process.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

/// A variable that stands twice counts as it stands first, so an inherited one must go.
std::vector<std::string> environment_with(const std::vector<std::string>& own) {
  std::vector<std::string> all = own;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool is_replaced = std::ranges::find(own, name_of(*entry), name_of) != own.end();
    if (!is_replaced) all.emplace_back(*entry);
  }
  return all;
}

}  // namespace

ChildProcess::ChildProcess(const Options& options) {
  BELAY_CHECK(!options.argv.empty(), "a child needs a program");
  const std::vector<char*> argv = pointers(options.argv);
  const std::vector<std::string> variables = environment_with(options.environment);
  const std::vector<char*> environment = pointers(variables);
  const std::string output = options.output.empty() ? "/dev/null" : options.output.string();
  const std::string directory = options.directory.string();
  pid_ = ::fork();
  BELAY_CHECK(pid_ >= 0, "fork failed");
  if (pid_ > 0) return;
  // In the child, between fork and exec: only what is safe there.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::close_range(3, ~0U, 0);
  // A signal that our parent ignores, as a shell does in the background, would not reach the child.
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!directory.empty() && ::chdir(directory.c_str()) != 0) ::_exit(126);
  ::execvpe(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

ChildProcess::~ChildProcess() {
  if (!runs()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

bool ChildProcess::runs() {
  if (ended_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds at_most) {
  eventually([this] { return !runs(); }, at_most);
  return ended_;
}

std::string without_leak_sanitizer() {
  const char* const inherited = std::getenv("ASAN_OPTIONS");
  return std::string("ASAN_OPTIONS=") + (inherited == nullptr ? "" : inherited) + ":detect_leaks=0";
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace belay::test
