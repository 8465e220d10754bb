#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/rule_file.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

struct TestArguments {
  std::vector<std::string> files;
  OutputFormat output = OutputFormat::text;
};

class TestVerb {
 public:
  explicit TestVerb(const TestArguments& arguments)
      : arguments_(arguments), style_(Style::of(stdout)) {}

  int run() {
    std::vector<std::string> files = arguments_.files;
    if (files.empty()) {
      for (const Pack& pack : shipped_packs()) files.emplace_back(pack.name);
    }
    for (const std::string& file : files) run_file(file);
    end();
    if (refused_) return kExitConfiguration;
    if (failed_ > 0) return kExitFail;
    return passed_ > 0 ? kExitPass : kExitUnknown;
  }

 private:
  void run_file(const std::string& reference) {
    const RuleFile file = load_rule_file(reference, working_directory());
    show_faults(file.faults);
    if (file.failed()) {
      refused_ = true;
      return;
    }
    if (file.tests.empty()) complain(sanitize(file.name) + " has no tests: nothing was tested");
    for (const RuleTestResult& result : run_rule_tests(file.rules, file.tests)) {
      (result.passed() ? passed_ : failed_) += 1;
      show(file.name, result);
      if (progress_.due()) progress_.show(fmt::format("{} tests run", passed_ + failed_));
    }
  }

  void show(const std::string& file, const RuleTestResult& result) {
    progress_.erase();
    if (arguments_.output == OutputFormat::text) {
      const std::string mark = result.passed() ? style_.green("✔") : style_.red("✖");
      std::string text = fmt::format("{} {}: {}\n", mark, sanitize(file), sanitize(result.name));
      for (const std::string& failure : result.failures) {
        text += fmt::format("    {}: {}\n", sanitize(result.place), sanitize(failure));
      }
      print(text);
      return;
    }
    ordered_json json{{"file", file},
                      {"test", result.name},
                      {"place", result.place},
                      {"passed", result.passed()},
                      {"failures", result.failures}};
    if (arguments_.output == OutputFormat::jsonl) {
      print(exporters::text_of(json) + "\n");
    } else {
      shown_.push_back(std::move(json));
    }
  }

  void end() {
    progress_.erase();
    if (arguments_.output == OutputFormat::json) {
      print(exporters::text_of({{"passed", passed_}, {"failed", failed_}, {"tests", shown_}}, 2) +
            "\n");
    } else if (arguments_.output == OutputFormat::text) {
      print(fmt::format("{} passed, {} failed\n", passed_, failed_));
    }
  }

  const TestArguments& arguments_;
  const Style style_;
  Progress progress_;
  ordered_json shown_ = ordered_json::array();
  int passed_ = 0;
  int failed_ = 0;
  bool refused_ = false;
};

}  // namespace

void add_test(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("test", "Run the tests beside the rules");
  auto arguments = std::make_shared<TestArguments>();
  verb->add_option("files", arguments->files,
                   "Rule files and packs; every shipped pack if none is named")
      ->type_name("FILE...");
  add_output_option(*verb, arguments->output);
  verb->callback([arguments, &chosen] {
    chosen = [arguments] { return delivered(TestVerb{*arguments}.run()); };
  });
}

}  // namespace belay::monitor
