#include "exporters/audit.h"

#include <array>
#include <atomic>
#include <future>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::exporters {
namespace {

using testing::HasSubstr;

TEST(Audit, AppendsOneLineOfJsonForEachNotice) {
  const test::TemporaryDirectory directory;
  const auto file = directory.write("audit.jsonl", "{\"notice\":\"older\"}\n");
  Notifications notifications;
  {
    Audit audit(file, notifications.of("audit"), [](const std::string& line) { FAIL() << line; });
    audit.notify({.service = "shop", .headline = "one\nline"});
    audit.notify({.service = "shop", .headline = "two"});
  }
  std::istringstream lines(test::content_of(file));
  std::vector<std::string> headlines;
  for (std::string line; std::getline(lines, line);) {
    headlines.push_back(nlohmann::json::parse(line).value("headline", ""));
  }
  EXPECT_THAT(headlines, testing::ElementsAre("", "one\nline", "two"));
}

TEST(Audit, GoesOnInANewFileWhenTheOldOneIsRenamed) {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "audit.jsonl";
  Notifications notifications;
  const NotificationCounts counts = notifications.of("audit");
  Audit audit(file, counts, [](const std::string& line) { FAIL() << line; });
  audit.notify({.headline = "before"});
  ASSERT_TRUE(test::eventually([&] { return counts.sent.Value() == 1; }));
  std::filesystem::rename(file, directory.path() / "audit.jsonl.1");
  audit.notify({.headline = "after"});
  ASSERT_TRUE(test::eventually([&] { return counts.sent.Value() == 2; }));
  EXPECT_THAT(test::content_of(file), HasSubstr("after"));
}

TEST(Audit, APipeThatNobodyReadsHoldsNobodyUp) {
  const test::TemporaryDirectory directory;
  const auto pipe = directory.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Notifications notifications;
  std::atomic<bool> has_complained = false;
  {
    Audit audit(pipe, notifications.of("audit"),
                [&](const std::string& /*line*/) { has_complained = true; });
    audit.notify({.headline = "lost"});
    EXPECT_TRUE(test::eventually([&] { return has_complained.load(); }));
  }
}

TEST(Audit, ALineThatWasCutShortIsEndedAndWrittenAgain) {
  const test::TemporaryDirectory directory;
  const auto pipe = directory.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int filler = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(filler, 0);
  constexpr std::size_t kPage = 4096;
  const std::string others(static_cast<std::size_t>(::fcntl(reader, F_GETPIPE_SZ)) - kPage, '\n');
  ASSERT_EQ(::write(filler, others.data(), others.size()), std::ssize(others));
  Notifications notifications;
  std::string received;
  const auto drain = [&] {
    std::array<char, kPage> bytes{};
    for (ssize_t got = 0; (got = ::read(reader, bytes.data(), bytes.size())) > 0;)
      received.append(bytes.data(), static_cast<std::size_t>(got));
  };
  {
    const NotificationCounts counts = notifications.of("audit");
    std::atomic<bool> has_complained = false;
    Audit audit(pipe, counts, [&](const std::string& /*line*/) { has_complained = true; });
    audit.notify({.headline = std::string(2 * kPage, 'x')});
    ASSERT_TRUE(test::eventually([&] { return has_complained.load(); }));
    ASSERT_TRUE(test::eventually([&] {
      drain();
      return counts.sent.Value() == 1;
    }));
  }
  drain();
  ::close(reader);
  ::close(filler);
  std::istringstream lines(received);
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) all.push_back(line);
  }
  ASSERT_GE(all.size(), 2U);
  EXPECT_FALSE(nlohmann::json::accept(all.front())) << "it was cut short";
  EXPECT_TRUE(nlohmann::json::accept(all.back()));
}

TEST(Audit, SaysThatItCannotWrite) {
  const test::TemporaryDirectory directory;
  Notifications notifications;
  std::promise<std::string> first_complaint;
  std::atomic<bool> has_complained = false;
  Audit audit(directory.path() / "none" / "audit.jsonl", notifications.of("audit"),
              [&](const std::string& line) {
                if (!has_complained.exchange(true)) first_complaint.set_value(line);
              });
  audit.notify({.headline = "lost"});
  EXPECT_THAT(first_complaint.get_future().get(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace belay::exporters
