#include "tests/integration/belay_run.h"

#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

BelayRun run_belay(const std::vector<std::string>& arguments,
                   const std::filesystem::path& directory,
                   const std::vector<std::string>& environment, std::chrono::seconds at_most) {
  const TemporaryDirectory scratch;
  const std::filesystem::path output = scratch.path() / "output";
  std::vector<std::string> argv = {belay_binary().string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  ChildProcess child{
      {.argv = argv, .environment = environment, .output = output, .directory = directory}};
  BelayRun run;
  run.code = child.wait(at_most).value_or(-1);
  run.text = content_of(output);
  return run;
}

}  // namespace belay::test
