#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/monitor/parse/mutate.h"
#include "tests/monitor/parse/parsed.h"
#include "tests/support/paths.h"

namespace belay::monitor {
namespace {

using test::mutate;
using test::Parsed;

std::string sample(const std::string& name) {
  std::ifstream file(belay::test::data_path("samples/" + name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(MutationTest, ThirtyThousandBrokenLinesCrashNothingAndAddUp) {
  constexpr unsigned kSeed = 20261120;
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::vector<std::string> lines;
  for (const char* name :
       {"replay.ndjson", "fly-nats.ndjson", "traceitems-of-tail-worker.ndjson"}) {
    for (auto& line : lines_of(sample(name))) lines.push_back(std::move(line));
  }
  lines.push_back(
      R"({"ts":1795182320647,"service":"s","version":"v","route":"/a","status":200,"wall_ms":1.5})");
  Parsed parsed({.latency_field = "duration_ms"});
  for (std::size_t i = 0; i < 30'000; ++i) {
    std::string line = lines[i % lines.size()];
    for (std::size_t times = i % 3; times < 3; ++times) mutate(line, random);
    parsed.feed(line + "\n", 1 + i % 4096);
    ASSERT_TRUE(parsed.adds_up());
  }
  parsed.all("");
  EXPECT_TRUE(parsed.adds_up());
  EXPECT_GE(parsed.parser.documents(), 29'000U);
}

TEST(MutationTest, BrokenIndentedDocumentsSwallowNoOther) {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  const std::string good = sample("fly-logs-json.stdout.txt");
  const std::string wrangler = sample("wrangler-tail-format-json.stdout.txt").substr(0, 5000);
  const std::string marker =
      "{\n  \"ts\": 1795182320647,\n  \"service\": \"marker\",\n  \"status\": 200\n}\n";
  for (int i = 0; i < 2000; ++i) {
    std::string broken = i % 2 == 0 ? good : wrangler;
    mutate(broken, random);
    Parsed parsed;
    parsed.all(broken + "\n" + marker, static_cast<std::size_t>(1 + i % 999));
    ASSERT_TRUE(parsed.adds_up());
    const auto requests = parsed.requests();
    ASSERT_FALSE(requests.empty()) << i;
    ASSERT_EQ(parsed.text(requests.back().service), "marker") << i;
  }
}

}  // namespace
}  // namespace belay::monitor
