#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/monitor/parse/parsed.h"
#include "tests/support/paths.h"

namespace belay::monitor {
namespace {

using test::Parsed;

std::string sample(const std::string& name) {
  std::ifstream file(belay::test::data_path("samples/" + name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

Parsed parsed(const std::string& name) {
  Parsed result;
  result.all(sample(name));
  EXPECT_TRUE(result.adds_up()) << name;
  return result;
}

TEST(SamplesTest, EveryTraceOfWorkerdIsUsed) {
  const Parsed result = parsed("traceitems.ndjson");
  EXPECT_EQ(result.parser.documents(), 216U);
  EXPECT_EQ(result.parser.used(), 216U);
  EXPECT_EQ(result.requests().size(), 216U);
}

TEST(SamplesTest, WorkerdMeasuresNoTimesAndNoneAreMadeUp) {
  for (const rules::Request& request : parsed("traceitems.ndjson").requests()) {
    EXPECT_FALSE(request.latency_us.has_value());
    EXPECT_FALSE(request.cpu_us.has_value());
    EXPECT_EQ(request.service, rules::kNoText);
  }
}

TEST(SamplesTest, TracesOfATailWorkerAreUsedAsOtherInvocations) {
  const Parsed result = parsed("traceitems-of-tail-worker.ndjson");
  EXPECT_EQ(result.parser.documents(), 20U);
  EXPECT_EQ(result.parser.used(), 20U);
  for (const rules::Request& request : result.requests()) {
    EXPECT_EQ(request.invocation, rules::Invocation::other);
  }
}

TEST(SamplesTest, EveryKindAndStatusOfProductionIsCounted) {
  const Parsed result = parsed("tail-prodlike.ndjson");
  EXPECT_EQ(result.parser.documents(), 216U);
  std::map<rules::Invocation, int> kinds;
  std::map<int, int> statuses;
  std::map<std::string, int> outcomes;
  std::map<std::string, int> versions;
  int exceptions = 0;
  for (const rules::Request& request : result.requests()) {
    ++kinds[request.invocation];
    ++statuses[request.status];
    ++outcomes[result.text(request.outcome)];
    ++versions[result.text(request.version)];
    exceptions += request.exceptions;
    EXPECT_TRUE(request.latency_us.has_value());
    EXPECT_TRUE(request.latency_is_wall_time);
    EXPECT_EQ(result.text(request.service), "mautic-api");
  }
  EXPECT_EQ(kinds[rules::Invocation::fetch], 190);
  EXPECT_EQ(kinds[rules::Invocation::cron], 9);
  EXPECT_EQ(kinds[rules::Invocation::queue], 9);
  EXPECT_EQ(kinds[rules::Invocation::rpc], 5);
  EXPECT_EQ(kinds[rules::Invocation::other], 2);
  EXPECT_EQ(statuses[200], 107);
  EXPECT_EQ(statuses[500], 11);
  EXPECT_EQ(statuses[503], 3);
  EXPECT_EQ(outcomes["exception"], 26);
  EXPECT_EQ(outcomes["responseStreamDisconnected"], 1);
  EXPECT_EQ(exceptions, 27);
  EXPECT_EQ(versions.size(), 2U);
}

TEST(SamplesTest, WranglersIndentedDocumentsMeanWhatTheWireMeant) {
  const Parsed wire = parsed("replay.ndjson");
  const Parsed pretty = parsed("wrangler-tail-format-json.stdout.txt");
  EXPECT_EQ(wire.parser.documents(), 33U);
  EXPECT_EQ(wire.parser.used(), 33U);
  EXPECT_EQ(pretty.parser.documents(), 34U);
  EXPECT_EQ(pretty.parser.used(), 34U);
  ASSERT_EQ(pretty.requests().size(), 33U);
  const auto& state = std::get<rules::SourceState>(pretty.events.back());
  EXPECT_EQ(state.health, rules::SourceHealth::sampled);
  EXPECT_TRUE(state.detail.starts_with("Tail is currently in sampling mode")) << state.detail;
  const auto requests_of = [](const Parsed& result) {
    const std::string shown = result.shown();
    return shown.substr(0, shown.rfind('\n'));
  };
  EXPECT_EQ(requests_of(wire), requests_of(pretty));
}

TEST(SamplesTest, LinesOfFlyThatSayNothingOfACallAreRejectedByReason) {
  const Parsed printed = parsed("fly-logs-json.stdout.txt");
  EXPECT_EQ(printed.parser.documents(), 2U);
  EXPECT_EQ(printed.rejected("not_an_event"), 2U);
  const Parsed nats = parsed("fly-nats.ndjson");
  EXPECT_EQ(nats.parser.documents(), 3U);
  EXPECT_EQ(nats.rejected("not_an_event"), 3U);
}

TEST(SamplesTest, AnIndentedFileIsTheSameCutAnywhere) {
  // One whole document and parts of its neighbours, to keep the number of cuts in reason.
  const std::string all = sample("wrangler-tail-format-json.stdout.txt");
  const std::string text = all.substr(0, 6000) + all.substr(all.size() - 1500);
  const std::string expected = Parsed().all(text).shown();
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    Parsed cut_once;
    cut_once.feed(std::string_view(text).substr(0, cut)).all(std::string_view(text).substr(cut));
    ASSERT_EQ(cut_once.shown(), expected) << cut;
  }
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    EXPECT_EQ(Parsed().all(all, piece).shown(), Parsed().all(all).shown()) << piece;
  }
}

TEST(SamplesTest, LinesAreTheSameCutAnywhere) {
  const std::string text = sample("replay.ndjson").substr(0, 5000) + "\n" +
                           sample("fly-nats.ndjson") + "\r\n  \r\nplain text\n";
  const std::string expected = Parsed().all(text).shown();
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    Parsed cut_once;
    cut_once.feed(std::string_view(text).substr(0, cut)).all(std::string_view(text).substr(cut));
    ASSERT_EQ(cut_once.shown(), expected) << cut;
  }
}

}  // namespace
}  // namespace belay::monitor
