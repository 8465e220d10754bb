#include "tests/support/child_process.h"

#include <chrono>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using std::chrono::seconds;

TEST(ChildProcessTest, ItsOwnVariableHidesTheInheritedOne) {
  ASSERT_EQ(::setenv("BELAY_CHILD", "inherited", 1), 0);
  ASSERT_EQ(::setenv("BELAY_CHILD_TOO", "kept", 1), 0);
  const TemporaryDirectory directory;
  const std::filesystem::path output = directory.path() / "output";
  ChildProcess child{{.argv = {"sh", "-c", "echo $BELAY_CHILD $BELAY_CHILD_TOO"},
                      .environment = {"BELAY_CHILD=own"},
                      .output = output,
                      .directory = {}}};
  ASSERT_EQ(child.wait(seconds{20}), 0);
  EXPECT_EQ(content_of(output), "own kept\n");
}

}  // namespace
}  // namespace belay::test
