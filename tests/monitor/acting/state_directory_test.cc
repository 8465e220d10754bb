#include "monitor/state_directory.h"

#include <array>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/journal.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat facts {};
  EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
  return facts.st_mode & 07777;
}

std::string refusal(const fs::path& state) {
  const auto opened = Journal::open(state);
  return opened.ok() ? "opened" : opened.error().message;
}

TEST(StateDirectoryTest, IsMadeForItsOwnerAlone) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "deep" / "state";
  const mode_t before = ::umask(0);
  const auto journal = Journal::open(state);
  ::umask(before);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_EQ(mode_of(state), 0700U);
  for (const auto& file : fs::directory_iterator(state)) {
    EXPECT_EQ(mode_of(file.path()), 0600U) << file.path();
  }
}

TEST(StateDirectoryTest, OneThatOthersMayEnterIsRefused) {
  const test::TemporaryDirectory place;
  for (const mode_t mode : {0701, 0750, 0777, 0704}) {
    const fs::path state = place.path() / std::to_string(mode);
    ASSERT_EQ(::mkdir(state.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(state.c_str(), mode), 0);
    EXPECT_NE(refusal(state).find("chmod 700"), std::string::npos) << refusal(state);
  }
}

pid_t of_a_process_that_is_gone() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

/// Holds the lock of `state` under the name of a process, until someone else opens it.
class HeldLock {
 public:
  HeldLock(const fs::path& state, pid_t holder)
      : descriptor_(::open((state / "lock").c_str(), O_RDWR | O_CLOEXEC)),
        watch_(::inotify_init1(IN_CLOEXEC)) {
    std::ofstream(state / "lock") << holder << "\n";
    EXPECT_EQ(::flock(descriptor_, LOCK_EX | LOCK_NB), 0);
    EXPECT_GE(::inotify_add_watch(watch_, (state / "lock").c_str(), IN_OPEN), 0);
    until_opened_ = std::thread([this] {
      std::array<char, 4096> event{};
      EXPECT_GT(::read(watch_, event.data(), event.size()), 0);
      ::close(descriptor_);
    });
  }
  ~HeldLock() {
    until_opened_.join();
    ::close(watch_);
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

 private:
  int descriptor_;
  int watch_;
  std::thread until_opened_;
};

TEST(StateDirectoryTest, WhatAKilledOneWasAboutToStartIsWaitedFor) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  ASSERT_EQ(refusal(state), "opened");
  const HeldLock held(state, of_a_process_that_is_gone());
  EXPECT_EQ(refusal(state), "opened");
}

TEST(StateDirectoryTest, ASymbolicLinkIsRefusedWithOrWithoutASlash) {
  const test::TemporaryDirectory place;
  fs::create_directory(place.path() / "real");
  ASSERT_EQ(::chmod((place.path() / "real").c_str(), 0700), 0);
  fs::create_directory_symlink(place.path() / "real", place.path() / "link");
  EXPECT_NE(refusal(place.path() / "link").find("not a link"), std::string::npos);
  EXPECT_NE(refusal(place.path().string() + "/link/").find("not a link"), std::string::npos);
  EXPECT_EQ(refusal(place.path() / "real"), "opened");
}

TEST(StateDirectoryTest, FilesPlacedByOthersAreRefused) {
  for (const std::string name : {"journal.db", "journal.db-wal", "lock"}) {
    const test::TemporaryDirectory place;
    const fs::path elsewhere = place.write("elsewhere", "");
    const fs::path state = place.path() / "state";
    ASSERT_EQ(refusal(state), "opened");
    fs::remove(state / name);
    fs::create_symlink(elsewhere, state / name);
    EXPECT_NE(refusal(state).find("not a regular file"), std::string::npos) << refusal(state);
    fs::remove(state / name);
    fs::create_hard_link(elsewhere, state / name);
    EXPECT_NE(refusal(state).find("another name"), std::string::npos) << refusal(state);
    fs::remove(state / name);
    ASSERT_EQ(refusal(state), "opened");
    std::FILE* const file = std::fopen((state / name).c_str(), "a");
    ASSERT_NE(file, nullptr);
    std::fclose(file);
    ASSERT_EQ(::chmod((state / name).c_str(), 0644), 0);
    EXPECT_NE(refusal(state).find("chmod 600"), std::string::npos) << refusal(state);
  }
}

TEST(StateDirectoryTest, ASecondProcessIsRefusedAndToldWhoHoldsIt) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  {
    const auto first = Journal::open(state);
    ASSERT_TRUE(first.ok()) << first.error().message;
    const auto second = Journal::open(state);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind, Error::Kind::conflict);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())),
              std::string::npos)
        << second.error().message;
  }
  EXPECT_EQ(refusal(state), "opened");
}

}  // namespace
}  // namespace belay::monitor
