#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "tests/support/temporary_directory.h"

namespace belay::test {

/// Runs action.yml as GitHub's runner runs a composite action: each step's shell with its `env`,
/// `${{ inputs.NAME }}` filled in, and the files that a step writes its results to.
class ActionRunner {
 public:
  struct Ran {
    int code = -1;        ///< Of the step that failed first, else 0.
    std::string log;      ///< With what `::add-mask::` names hidden, as the runner shows it.
    std::string summary;  ///< Markdown.
    std::map<std::string, std::string> outputs;  ///< Of the action.
  };
  /// Inputs that are not given have the action's defaults; a required one must be given.
  /// `is_cancelled`: asked until it says so, while the step that waits runs; then the runner
  /// interrupts it, and terminates it when that has not ended it.
  Ran run(std::map<std::string, std::string> inputs,
          const std::function<bool()>& is_cancelled = nullptr);

 private:
  TemporaryDirectory directory_;
};

}  // namespace belay::test
