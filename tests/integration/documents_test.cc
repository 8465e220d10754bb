// Goal: what the documents tell a reader to write or type works as it stands there.
// Method: their blocks are taken out and given to the real binary.

#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/belay_run.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using testing::HasSubstr;

std::string document(const std::string& name) { return content_of(source_dir() / name); }

/// The fenced block number `index` of those that open with "```" + `language`.
std::string block_of(const std::string& text, const std::string& language, int index = 0) {
  std::istringstream lines{text};
  std::string block;
  bool is_inside = false;
  bool is_wanted = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      if (is_inside && is_wanted) return block;
      is_inside = !is_inside;
      is_wanted = is_inside && line == "```" + language && index-- == 0;
    } else if (is_wanted) {
      block += line + "\n";
    }
  }
  return block;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The words of a command line; quotes hold one together.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words{""};
  bool is_quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      is_quoted = !is_quoted;
    } else if (c == ' ' && !is_quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

TEST(DocumentsTest, TheReadmesWorkerIsTheExample) {
  const std::string example = document("examples/worker.yaml");
  const std::string block = block_of(document("README.md"), "yaml");
  ASSERT_FALSE(block.empty());
  EXPECT_EQ(block, example.substr(example.find('\n') + 1)) << "but for the example's first line";
}

TEST(DocumentsTest, EveryExampleIsAccepted) {
  const std::vector<std::string> variables = {"BELAY_INGEST_TOKEN=0123456789abcdef",
                                              "CLOUDFLARE_ACCOUNT_ID=a",
                                              "CLOUDFLARE_API_TOKEN=t",
                                              "HEARTBEAT_URL=http://127.0.0.1/h",
                                              "REDIS_URL=redis://127.0.0.1",
                                              "SLACK_WEBHOOK_URL=http://127.0.0.1/s"};
  int examples = 0;
  for (const auto* directory : {"examples", "examples/rules", "deploy"}) {
    for (const auto& file : std::filesystem::directory_iterator(source_dir() / directory)) {
      if (file.path().extension() != ".yaml") continue;
      const BelayRun run = run_belay({"check", file.path().string()}, {}, variables);
      EXPECT_EQ(run.code, 0) << file.path() << "\n" << run.text;
      ++examples;
    }
  }
  EXPECT_GE(examples, 8);
}

TEST(DocumentsTest, TheReadmesFirstCommandsWork) {
  const std::vector<std::string> lines = lines_of(block_of(document("README.md"), "", 2));
  EXPECT_GE(lines.size(), 4U);
  for (const std::string& line : lines) {
    std::vector<std::string> words = words_of(line);
    ASSERT_EQ(words.front(), "belay") << line;
    words.erase(words.begin());
    const BelayRun run = run_belay(words, source_dir());
    EXPECT_EQ(run.code, 0) << line << "\n" << run.text;
  }
}

TEST(DocumentsTest, TheReadmesGateNamesOptionsThatExist) {
  const std::string help = run_belay({"gate", "--help"}).text;
  int options = 0;
  for (const std::string& line : lines_of(document("README.md"))) {
    if (line.find("belay gate ") == std::string::npos) continue;
    for (std::string word : words_of(line)) {
      if (!word.starts_with("--")) continue;
      EXPECT_THAT(help, HasSubstr(word.substr(0, word.find('`')))) << line;
      ++options;
    }
  }
  EXPECT_GE(options, 10);
}

TEST(DocumentsTest, TheReadmeNamesEveryVerbAndEveryExitCode) {
  const std::string readme = document("README.md");
  for (const std::string& line : lines_of(run_belay({"--help"}).text)) {
    // "  replay          Run rules ..."
    if (!line.starts_with("  ") || line[2] == ' ' || line[2] == '-') continue;
    const std::string verb = line.substr(2, line.find(' ', 2) - 2);
    EXPECT_THAT(readme, HasSubstr("| `belay " + verb));
  }
  int codes = 0;
  for (const std::string& line : lines_of(document("monitor/commands/exit_code.h"))) {
    const std::size_t equals = line.find(" = ");
    if (!line.starts_with("  kExit") || equals == std::string::npos) continue;
    const std::string code = line.substr(equals + 3, line.find(',') - equals - 3);
    EXPECT_THAT(readme, HasSubstr("\n| " + code + " | ")) << line;
    ++codes;
  }
  EXPECT_GE(codes, 10);
}

TEST(DocumentsTest, EverySentenceOfTheRulesIsUnderstood) {
  std::string rules = "rules:\n";
  int count = 0;
  for (const std::string& sentence : lines_of(block_of(document("docs/rules.md"), ""))) {
    rules += fmt::format("  - name: s{}\n    when: '{}'\n    then: alert\n", ++count, sentence);
  }
  EXPECT_GE(count, 20);
  const TemporaryDirectory directory;
  directory.write("rules.yaml", rules);
  const BelayRun run = run_belay({"check", "rules.yaml"}, directory.path());
  EXPECT_EQ(run.code, 0) << run.text;
}

TEST(DocumentsTest, TheRuleFileOfTheRulesPassesItsTest) {
  const TemporaryDirectory directory;
  directory.write("rules.yaml", block_of(document("docs/rules.md"), "yaml"));
  const BelayRun run = run_belay({"test", "rules.yaml"}, directory.path());
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr("1 passed, 0 failed"));
}

// Golden: every message as a person reads it. After a change, read it as one who has never seen the
// tool, and replace the file by what is printed.
TEST(DocumentsTest, EveryConfigurationErrorReadsAsItShould) {
  std::string text = run_belay({"check", "wrong.yaml"}, data_path("config")).text;
  const std::string here = data_path("config").string() + "/";
  for (std::size_t at = text.find(here); at != std::string::npos; at = text.find(here)) {
    text.erase(at, here.size());
  }
  EXPECT_EQ(text, content_of(data_path("config/expected-errors.txt")));
}

}  // namespace
}  // namespace belay::test
