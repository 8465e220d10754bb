#include "tests/integration/queue_load.h"

#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

std::string load_queue(const std::string& redis_url, const std::string& mode,
                       const std::vector<std::string>& more) {
  const TemporaryDirectory directory;
  const auto script = source_dir() / "tests" / "integration" / "bullmq-load.mjs";
  std::vector<std::string> argv = {"node",  script.string(), mode,      "--bullmq", "bullmq-v5",
                                   "--url", redis_url,       "--queue", "mail"};
  argv.insert(argv.end(), more.begin(), more.end());
  const auto said = directory.path() / "said";
  ChildProcess child({.argv = argv, .output = said});
  return child.wait(std::chrono::seconds{100}) == 0 ? "" : mode + ": " + content_of(said);
}

}  // namespace belay::test
