// Goal: the whole tree keeps what docs and design promise. Method: every check over every file.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/style/build_checks.h"
#include "tests/style/code_checks.h"
#include "tests/style/house_checks.h"
#include "tests/style/text.h"
#include "tests/style/text_checks.h"
#include "tests/support/paths.h"

namespace belay::style {
namespace {

namespace fs = std::filesystem;

bool is_skipped(const fs::path& dir) {
  return is_any_of(dir.filename().string(), {".git", "build", "node_modules", "belay-state"});
}

bool is_binary(const std::string& content) { return content.find('\0') != std::string::npos; }

std::vector<File> read_tree(const fs::path& root) {
  std::vector<File> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    if (is_skipped(it->path())) it.disable_recursion_pending();
    if (!it->is_regular_file() || is_skipped(it->path())) continue;
    std::ifstream in(it->path(), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(in), {}};
    if (is_binary(content)) continue;
    files.push_back({it->path().lexically_relative(root).generic_string(), std::move(content)});
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

const std::vector<File>& tree() {
  static const std::vector<File> kTree = read_tree(test::source_dir());
  return kTree;
}

void expect_none(const Findings& findings) {
  for (const Finding& finding : findings) {
    ADD_FAILURE() << finding.path << ':' << finding.line << ": " << finding.what;
  }
}

struct FileCheck {
  const char* name;
  Findings (*check)(const File&);
};

void PrintTo(const FileCheck& check, std::ostream* out) { *out << check.name; }

constexpr std::array kFileChecks = {
    FileCheck{"Arrows", check_arrows},
    FileCheck{"Purity", check_purity},
    FileCheck{"ThirdPartyInPureCode", check_third_party_in_pure_code},
    FileCheck{"ForbiddenLibraries", check_forbidden_libraries},
    FileCheck{"NoStdRegex", check_no_std_regex},
    FileCheck{"NoOrderedFieldLookup", check_no_ordered_field_lookup},
    FileCheck{"NoSleepingTests", check_no_sleeping_tests},
    FileCheck{"NoEmptyCatch", check_no_empty_catch},
    FileCheck{"Length", check_length},
    FileCheck{"FileName", check_file_name},
    FileCheck{"NoRegistryHosts", check_no_registry_hosts},
    FileCheck{"NoMachinePaths", check_no_machine_paths},
};

class TreeTest : public testing::TestWithParam<FileCheck> {};

TEST_P(TreeTest, HoldsForEveryFile) {
  for (const File& file : tree()) expect_none(GetParam().check(file));
}

INSTANTIATE_TEST_SUITE_P(Style, TreeTest, testing::ValuesIn(kFileChecks),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(WholeTreeTest, TheTreeIsReallyRead) {
  const auto is_this_file = [](const File& file) {
    return file.path == "tests/style/tree_test.cc";
  };
  EXPECT_EQ(1, std::count_if(tree().begin(), tree().end(), is_this_file));
}

TEST(WholeTreeTest, EverySourceIsBuilt) { expect_none(check_every_source_is_built(tree())); }

TEST(WholeTreeTest, EveryTestThatTheTableNamesIsThere) {
  expect_none(check_named_tests_exist(tree()));
}

TEST(WholeTreeTest, EveryListIsAdded) { expect_none(check_every_list_is_added(tree())); }

}  // namespace
}  // namespace belay::style
