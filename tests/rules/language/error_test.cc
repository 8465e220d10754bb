#include <gtest/gtest.h>

#include "rules/language/located.h"
#include "rules/language/parser.h"

namespace belay::rules {
namespace {

std::vector<Diagnostic> errors(std::string_view text) {
  std::vector<Diagnostic> out;
  for (Diagnostic& diagnostic : parse_sentence(text).diagnostics) {
    if (diagnostic.level == Diagnostic::Level::error) out.push_back(std::move(diagnostic));
  }
  return out;
}
/// The only error of the sentence.
Diagnostic error(std::string_view text) {
  const std::vector<Diagnostic> all = errors(text);
  std::string shown;
  for (const Diagnostic& diagnostic : all) shown += render(diagnostic, text, "when");
  EXPECT_EQ(all.size(), 1U) << text << "\n" << shown;
  return all.empty() ? Diagnostic{} : all.front();
}
std::vector<Diagnostic> warnings(std::string_view text) {
  ParsedSentence parsed = parse_sentence(text);
  EXPECT_TRUE(parsed.sentence) << text;
  return parsed.diagnostics;
}
struct Wrong {
  std::string_view text;
  std::string_view marked;   ///< What the caret and the wave stand under.
  std::string_view message;  ///< A part of it.
  std::string_view suggestion;
};
class ErrorTest : public testing::TestWithParam<Wrong> {};

TEST_P(ErrorTest, SaysWhatWhereAndWhatToWrite) {
  const Wrong& wrong = GetParam();
  const Diagnostic found = error(wrong.text);
  EXPECT_NE(found.message.find(wrong.message), std::string::npos) << found.message;
  EXPECT_EQ(found.suggestion, wrong.suggestion) << wrong.text;
  EXPECT_EQ(wrong.text.substr(std::min<std::size_t>(found.column - 1, wrong.text.size()),
                              wrong.marked.empty() ? 0 : found.length),
            wrong.marked)
      << wrong.text;
}

constexpr Wrong kUnits[] = {
    {"5xx rate > 5 over 1m", "5", "write 5% or 5/s", "5%"},
    {"p95 latency > 250 over 5m", "250", "write 250ms", "250ms"},
    {"p95 latency > 5% over 5m", "5%", "`p95 latency` is a duration", ""},
    {"5xx rate > 250ms over 5m", "250ms", "is a share or a rate per second", ""},
    {"requests rate > 5% over 5m", "5%", "is a rate per second", ""},
    {"requests rate > 5 over 5m", "5", "write 5/s", "5/s"},
    {"queue a depth > 5%", "5%", "is a plain number", ""},
    {"queue a oldest > 5", "5", "write 5m", "5m"},
    {"queue a retries rate > 5% over 1m", "5%", "is a rate per second", ""},
    {"5xx rate > 5 % over 1m", "5 %", "a unit touches its number", "5%"},
    {"p95 latency > 250 ms over 1m", "250 ms", "a unit touches its number", "250ms"},
    {"requests rate > 5 /s over 1m", "5 /s", "a unit touches its number", "5/s"},
    {"p95 latency > 2sec over 1m", "2sec", "\"sec\" is no unit", "2s"},
    {"requests rate > 2/h over 1m", "2/h", "\"/h\" is no unit", ""},
    {"5xx rate > .5% over 1m", ".5%", "begins with a digit", "0.5%"},
    {"5xx rate > 1e5/s over 1m", "1e5/s", "", ""},
    {"5xx rate > 1.2345678901234567% over 1m", "1.2345678901234567%", "15 significant digits", ""},
    {"candidate error rate > baseline error rate + 1% over 2m", "1%",
     "write `+ 1 point`, or `1.01 x baseline error rate`", "1 point"},
    {"candidate error rate > 1.2 x baseline error rate + 1% over 2m", "1%", "write `+ 1 point`",
     "1 point"},
    {"candidate error rate > baseline error rate - 5% over 2m", "5%",
     "write `- 5 points`, or `0.95 x baseline error rate`", "5 points"},
    {"candidate error rate > baseline error rate + 1 over 2m", "1", "write `+ 1 point`", "1 point"},
    {"candidate p95 latency > baseline p95 latency + 10% over 2m", "10%",
     "`1.1 x baseline p95 latency`", ""},
    {"candidate error rate - baseline error rate > 1% over 2m", "1%", "write `1 point`", "1 point"},
    {"error rate > 5 points over 1m", "5 points", "write 5%", "5%"},
    {"error rate > p95 latency over 1m", "error rate", "is a share or a rate per second", ""},
    {"5% > 3% over 1m", "5% > 3% over 1m", "one side has to be a metric", ""},
    {"error rate > 1% + 2% over 1m", "1% + 2%", "two numbers", ""},
    {"error rate > 100% over 1m", "100%", "write `>= 100%` for all", ""},
    {"5xx rate >= 100.5% over 1m", "100.5%", "no share is more than 100%", ""},
    {"5xx rate >= 0% over 1m", "0%", "all is bad, whatever happens; write `> 0%`", ""},
    {"2 x 5xx rate >= 0% over 1m", "0%", "all is bad, whatever happens", ""},
    {"0ms <= p95 latency over 1m", "0ms", "all is bad, whatever happens", ""},
    {"mean latency > 0ms over 1m", "0ms", "all is bad, whatever happens", ""},
    {"error rate < 101% over 1m", "101%", "all is bad, whatever happens", ""},
    {"2 x error rate <= 200% over 1m", "200%", "all is bad, whatever happens", ""},
    {"2 x error rate > 200% over 1m", "200%", "write `>= 200%` for all", ""},
    {"requests rate >= 0/s over 1m", "0/s", "all is bad, whatever happens", ""},
    {"queue mail depth >= 0", "0", "all is bad, whatever happens", ""},
    {"error rate <= 100% over 1m", "100%", "all is bad, whatever happens", ""},
    {"5xx rate > 0.07 over 1m", "0.07", "is a share or a rate per second", "7%"},
    {"105% < probe healthz failure rate over 1m", "105%", "nothing can ever make this bad", ""},
};
INSTANTIATE_TEST_SUITE_P(Units, ErrorTest, testing::ValuesIn(kUnits));

constexpr Wrong kWindows[] = {
    {"5xx rate > 5%", "5xx rate", "needs a window: add `over 1m`", ""},
    {"p95 latency{route=\"/a\"} > 5s", "p95 latency{route=\"/a\"}", "needs a window", ""},
    {"queue a growth > 5/s", "queue a growth", "needs a window", ""},
    {"error rate over 1m > baseline error rate", "baseline error rate", "needs a window", ""},
    {"5xx rate > 5% over 4s", "4s", "a window lasts from 5s to 24h", "5s"},
    {"5xx rate > 5% over 25h", "25h", "a window lasts from 5s to 24h", "24h"},
    {"5xx rate > 5% over 60", "60", "needs a unit", "60s"},
    {"no data for 2s", "2s", "from 5s to 24h", "5s"},
    {"p0.5 latency > 1s over 1m", "p0.5", "p1 to p99.99", ""},
    {"p99.999 latency > 1s over 1m", "p99.999", "p1 to p99.99", ""},
    {"5% over 1m < error rate over 1m", "1m", "a number has no window", ""},
};
INSTANTIATE_TEST_SUITE_P(Windows, ErrorTest, testing::ValuesIn(kWindows));

constexpr Wrong kWords[] = {
    {"eror rate > 5% over 1m", "eror", "where a metric", "error"},
    {"Error rate > 5% over 1m", "Error", "where a metric", "error"},
    {"error rat > 5% over 1m", "rat", "`rate` should stand", "rate"},
    {"5xx rate > 5% ovr 1m", "ovr", "should stand", "over"},
    {"5xx rate = 5% over 1m", "=", "a comparison is >, >=, < or <=", ""},
    {"5xx rate == 5% over 1m", "==", "a comparison is >, >=, < or <=", ""},
    {"5xx rate > 5% over 1m && no data for 5s", "&&", "not of this language", "and"},
    {"latency > 250ms over 1m", "latency", "which latency?", "p95 latency"},
    {"p95 > 250ms over 1m", "p95", "of what?", "p95 latency"},
    {"p95 latncy > 250ms over 1m", "latncy", "should stand", "latency"},
    {"depth > 5", "depth", "belongs to a queue", ""},
    {"failure rate > 5% over 1m", "failure rate", "belongs to a queue", ""},
    {"sum > 5 over 1m", "sum", "belongs to a metric", ""},
    {"rate > 5/s over 1m", "rate", "a rate of what?", "requests rate"},
    {"queue a error rate > 5% over 1m", "error rate", "a queue has", "failure rate"},
    {"queue a p95 latency > 5s over 1m", "p95 latency", "a queue has", ""},
    {"probe a depth > 5", "depth", "a probe has", ""},
    {"probe a p95 cpu > 5s over 1m", "p95 cpu", "a probe has", ""},
    {"metric a > 5 over 1m", "metric a", "a metric has", ""},
    {"metric a p95 latency > 5s over 1m", "p95 latency", "a metric has", ""},
    {"invocations requests rate > 5/s over 1m", "requests rate", "invocations rate", "rate"},
    {"candidate queue a depth > 5", "candidate", "a queue has no versions", ""},
    {"baseline prometheus a > 5", "baseline", "no versions", ""},
    {"700 rate > 5% over 1m", "700", "from 100 to 599", ""},
    {"queue depth > 5", "depth", "quote it", "\"depth\""},
    {"probe fails 3 of 5", "fails", "quote it", "\"fails\""},
    {"queue 2emails depth > 5", "2emails", "", ""},
    {"error rate -1% > 5% over 1m", "-", "a minus stands between blanks", "- 1%"},
    {"5xx rate > 5% over 1m $", "$", "means nothing", ""},
    {"5xx rate > 5% over 1m)", ")", "never opened", ""},
    {"(5xx rate > 5% over 1m", "", "`)` should stand", ""},
    {"queue \"a depth > 5", "\"", "never closed", ""},
    {"", "", "a sentence is missing", ""},
    {"5xx rate", "", "the sentence ends here", ""},
    {"5xx rate > 5% over 1m,", "", "the sentence ends here", ""},
};
INSTANTIATE_TEST_SUITE_P(Words, ErrorTest, testing::ValuesIn(kWords));

constexpr Wrong kLabels[] = {
    {R"(error rate{rout="/a"} > 5% over 1m)", "rout", "is no label", "route"},
    {R"(error rate{route=~"/a("} > 5% over 1m)", R"("/a(")", "not a regular expression", ""},
    {R"(queue ~"a(" depth > 5)", R"(queue ~"a(")", "not a regular expression", ""},
    {R"(error rate{route=/a} > 5% over 1m)", "/", "a value in quotes", ""},
    {R"(error rate{method=POST} > 5% over 1m)", "POST", "stands in quotes", "\"POST\""},
    {R"(error rate{type="queue"} > 5% over 1m)", "type", "selects invocations",
     R"(invocations{type="queue"})"},
    {R"(invocations{type="quue"} error rate > 5% over 1m)", R"("quue")", "no such type",
     "\"queue\""},
    {R"(rate{status="5xx"} > 5% over 1m)", R"("5xx")", "three digits", R"(status=~"5..")"},
    {R"(probe a p95 latency{route="/"} > 5s over 1m)", "route", "nothing else", ""},
    {R"(error rate{route > "/a"} > 5% over 1m)", ">", "=, !=, =~ or !~", ""},
};
INSTANTIATE_TEST_SUITE_P(Labels, ErrorTest, testing::ValuesIn(kLabels));

constexpr Wrong kOptions[] = {
    {"5xx rate > 5% over 1m, min 50", "", "requests, invocations, samples or jobs", ""},
    {"5xx rate > 5% over 1m, min 50 request", "request", "should stand", "requests"},
    {"5xx rate > 5% over 1m, min 50 jobs", "min 50 jobs", "counts requests, not jobs",
     "min 50 samples"},
    {"5xx rate > 5% over 1m, min 0 requests", "0", "a whole number from 1", ""},
    {"5xx rate > 5% over 1m, min 2.5 requests", "2.5", "a whole number", ""},
    {"no data for 60s, min 5 samples", "min 5 samples", "no condition here has any", ""},
    {"5xx rate > 5% over 1m, for 500ms", "500ms", "whole seconds", "1s"},
    {"5xx rate > 5% over 1m, for 2m of 1m", "2m of 1m", "can never be", ""},
    {"5xx rate > 5% over 1m, for 5s, for 6s", "for 6s", "stands here twice", ""},
    {"5xx rate > 5% over 1m, confidence 99%", "confidence 99%", "goes with `worse than`", ""},
    {"candidate worse than baseline, confidence 99", "99", "in percent", "99%"},
    {"candidate worse than baseline, confidence 30%", "30%", "between 50%", "99%"},
    {"5xx rate > 5% over 1m, else pass", "pass", "nothing makes unknown pass", ""},
    {"5xx rate > 5% over 1m, for 5s and no data for 5s", "and", "options bind the whole sentence",
     ""},
    {"(5xx rate > 5% over 1m, for 5s) and no data for 5s", ",", "options bind the whole sentence",
     ""},
    {"candidate 5xx rate worse than baseline", "5xx rate", "compares `error rate`, `latency`",
     "error rate"},
    {"candidate worse than baseline by 25%", "25%", "needs a metric", ""},
    {"candidate latency worse than baseline by 1 point", "1 point", "by a percentage", "10%"},
    {"candidate error rate worse than baseline by 25", "25", "a margin like", ""},
    {"candidate worse than baseline over 5m", "over", "has no window", ""},
    {"candidate worse then baseline", "then", "`worse than baseline`", "than"},
    {"probe a fails 5 of 3", "5 of 3", "can never be", ""},
    {"probe a fails 3", "", "`of`", ""},
    {"no dta for 60s", "dta", "`no data`", "data"},
    {"sampling for 60s", "for", "a source", ""},
};
INSTANTIATE_TEST_SUITE_P(Options, ErrorTest, testing::ValuesIn(kOptions));

TEST(ErrorsTest, AllErrorsOfASentenceAreFoundAtOnceInItsOrder) {
  const auto all = errors(
      "5xx rate > 5 over 1m and p95 latency > 250 over 5m or queue depth > 5, "
      "min 5 reqests, for 500ms");
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].suggestion, "5%");
  EXPECT_EQ(all[1].suggestion, "250ms");
  EXPECT_EQ(all[2].suggestion, "\"depth\"");
  EXPECT_EQ(all[3].suggestion, "requests");
  EXPECT_EQ(all[4].suggestion, "1s");
}

TEST(ErrorsTest, AShareOfAllAndOtherNumbersAboveAHundredArePossible) {
  for (const char* text :
       {"error rate >= 100% over 1m", "error rate < 100% over 1m", "100% <= error rate over 1m",
        "prometheus cpu_ratio > 150%", "error rate > 200/s over 1m", "error rate > 0% over 1m",
        "prometheus drift >= 0", "queue mail growth >= 0/s over 1m", "queue mail depth < 0",
        "candidate error rate > 2 x baseline error rate over 2m"}) {
    EXPECT_TRUE(errors(text).empty()) << text;
  }
}

TEST(ErrorsTest, AMissingFloorWarnsWithTheShareOfFalseAlarmsItRisks) {
  const auto found = warnings("5xx rate > 5% over 1m");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].message.find("bad in 22% of the windows"), std::string::npos)
      << found[0].message;
  EXPECT_NE(found[0].message.find("requests` makes that 1%"), std::string::npos)
      << found[0].message;
  EXPECT_EQ(warnings("p95 latency > 250ms over 1m").size(), 1U);
  EXPECT_EQ(warnings("candidate error rate > baseline error rate over 1m").size(), 1U);
  EXPECT_TRUE(warnings("5xx rate > 5% over 1m, min 50 requests").empty());
  EXPECT_TRUE(warnings("requests rate > 5/s over 1m").empty());
  EXPECT_TRUE(warnings("queue a depth > 5").empty());
}

TEST(ErrorsTest, AMetricWhoseUnitIsNotInItsNameWarnsWhenComparedWithADuration) {
  EXPECT_EQ(warnings("metric lag p95 > 2s over 5m, min 5 samples").size(), 1U);
  EXPECT_TRUE(warnings("metric lag_ms p95 > 2s over 5m, min 5 samples").empty());
}

}  // namespace
}  // namespace belay::rules
