#include "exporters/audit.h"

#include <atomic>
#include <future>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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
