#include "monitor/api/local_endpoint.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

namespace fs = std::filesystem;

TEST(LocalEndpointTest, WhatIsLeftIsFoundUntilItIsTakenAway) {
  const test::TemporaryDirectory state;
  EXPECT_EQ(read_local_endpoint(state.path()).error().kind, Error::Kind::not_found);
  for (const char* token : {"first", "second"}) {
    ASSERT_TRUE(write_local_endpoint(state.path(), {"http://127.0.0.1:1", Secret(token)}).ok());
    const auto found = read_local_endpoint(state.path());
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->url, "http://127.0.0.1:1");
    EXPECT_EQ(found->token.reveal(), token);
  }
  struct stat facts {};
  ASSERT_EQ(::stat((state.path() / "api").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  remove_local_endpoint(state.path());
  EXPECT_EQ(read_local_endpoint(state.path()).error().kind, Error::Kind::not_found);
}

TEST(LocalEndpointTest, AFileThatOthersCanReadOrPlacedIsNotTrusted) {
  const test::TemporaryDirectory state;
  ASSERT_TRUE(write_local_endpoint(state.path(), {"http://127.0.0.1:1", Secret("t")}).ok());
  fs::permissions(state.path() / "api", fs::perms(0644));
  EXPECT_FALSE(read_local_endpoint(state.path()).ok());
  fs::remove(state.path() / "api");
  fs::create_symlink("/etc/passwd", state.path() / "api");
  EXPECT_FALSE(read_local_endpoint(state.path()).ok());
  ASSERT_TRUE(write_local_endpoint(state.path(), {"http://127.0.0.1:1", Secret("t")}).ok());
  EXPECT_TRUE(read_local_endpoint(state.path()).ok());
}

}  // namespace
}  // namespace belay::monitor
