#include "monitor/parse/lazy_trace.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bench/tail_log.h"
#include "monitor/parse/framer.h"
#include "monitor/parse/plain_number.h"
#include "tests/monitor/parse/mutate.h"
#include "tests/support/paths.h"

namespace belay::monitor {
namespace {

/// Takes the documents that a framer cuts.
struct Documents final : DocumentSink {
  std::optional<Rejection> take(std::string_view /*document*/) override { return std::nullopt; }
  void count(std::string_view document, std::optional<Rejection> /*rejection*/) override {
    all.emplace_back(document);
  }
  std::vector<std::string> all;
};

std::vector<std::string> documents_of(std::string_view log) {
  Documents documents;
  Framer framer(documents, 1U << 20);
  framer.feed(log);
  framer.finish();
  return documents.all;
}

std::vector<std::string> sample(const std::string& name) {
  std::ifstream file(belay::test::data_path("samples/" + name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return documents_of(std::string{std::istreambuf_iterator<char>(file), {}});
}

auto of(const Number& number) { return std::tuple(number.state, number.value); }

auto of(const Fields& fields) {
  return std::tuple(fields.dialects, fields.event_keys, fields.exceptions, of(fields.at_ms),
                    of(fields.wall_ms), of(fields.cpu_ms), of(fields.status), of(fields.latency_ms),
                    fields.service, fields.version, fields.outcome, fields.method, fields.url,
                    fields.ray, fields.event_type, fields.message, fields.timestamp,
                    fields.instance, fields.exception);
}

constexpr std::string_view kTrace =
    R"({"wallTime":22,"cpuTime":2,"truncated":false,"outcome":"ok","scriptVersion":{"id":"v1"},)"
    R"("scriptName":"api","exceptions":[{"name":"Error"}, {"name":"x"}],"logs":[{"message":["{\"]"]}],)"
    R"("eventTimestamp":1795182320647,"event":{"request":{"url":"https://a.test/b","method":"GET",)"
    R"("headers":{"a":"b","cf-ray":"8f1","c":"\\"},"cf":{"city":"Zürich","n":[1,{"x":[]}]}},)"
    R"("response":{"status":503}}})";

/// A document in memory of exactly its size, so that reading behind its padding does not go unseen
/// under ASan.
class Padded {
 public:
  explicit Padded(std::string_view document)
      : size_(document.size()), bytes_(document.begin(), document.end()) {
    bytes_.insert(bytes_.end(), kDocumentPadding, '\0');
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::size_t size_;
  std::vector<char> bytes_;
};

/// One that has read every document of this process, and is never out of patience.
LazyTrace& experienced() {
  static LazyTrace reader;
  return reader;
}

bool read_with_experience(std::string_view document, Fields& fields) {
  if (experienced().read(document, fields)) return true;
  static const Padded good(kTrace);
  Fields unused;
  EXPECT_TRUE(experienced().read(good.view(), unused));
  return false;
}

/// What each reader makes of a document: the lazy one with each set of instructions that this
/// machine has and with what it learned from others, and the strict one.
class Readers {
 public:
  explicit Readers(std::string_view document) : document_(document) {
    const std::string_view text = document_.view();
    for (const StructureIndex::Method method : StructureIndex::methods()) {
      Lazily& one = lazily_.emplace_back();
      one.is_read = LazyTrace(method).read(text, one.fields);
    }
    Lazily& experienced = lazily_.emplace_back();
    experienced.is_read = read_with_experience(text, experienced.fields);
    rejection_ = strict_.read(text, strict_fields_);
  }

  [[nodiscard]] bool is_read_lazily() const { return lazily_.front().is_read; }
  [[nodiscard]] bool is_good() const { return !rejection_; }
  /// Where they read it, they found the same.
  [[nodiscard]] bool agree() const {
    for (const Lazily& one : lazily_) {
      if (one.is_read != is_read_lazily()) return false;
      if (one.is_read && of(one.fields) != of(fields())) return false;
    }
    return !is_read_lazily() || rejection_ || of(fields()) == of(strict_fields_);
  }
  [[nodiscard]] const Fields& fields() const { return lazily_.front().fields; }

 private:
  struct Lazily {
    Fields fields;
    bool is_read = false;
  };
  Padded document_;
  std::vector<Lazily> lazily_;
  DocumentReader strict_{""};
  Fields strict_fields_;
  std::optional<Rejection> rejection_;
};

std::string with(std::string_view text, std::string_view in_place_of) {
  std::string document(kTrace);
  document.replace(document.find(in_place_of), in_place_of.size(), text);
  return document;
}

TEST(LazyTraceTest, FindsWhatATraceHas) {
  const Readers readers(kTrace);
  ASSERT_TRUE(readers.is_read_lazily());
  EXPECT_TRUE(readers.agree());
  const Fields& fields = readers.fields();
  EXPECT_EQ(fields.service, "api");
  EXPECT_EQ(fields.version, "v1");
  EXPECT_EQ(fields.url, "https://a.test/b");
  EXPECT_EQ(fields.ray, "8f1");
  EXPECT_EQ(fields.status.value, 503);
  EXPECT_EQ(fields.exceptions, 2U);
}

TEST(LazyTraceTest, EverySampleMeansTheSameToBothReaders) {
  for (const char* name :
       {"replay.ndjson", "tail-prodlike.ndjson", "traceitems.ndjson",
        "traceitems-of-tail-worker.ndjson", "fly-nats.ndjson", "fly-logs-json.stdout.txt",
        "cf-tail-overload.json", "wrangler-tail-format-json.stdout.txt"}) {
    for (const std::string& document : sample(name))
      EXPECT_TRUE(Readers(document).agree()) << name << ": " << document;
  }
}

TEST(LazyTraceTest, ReadsNearlyAllOfProductionItself) {
  for (const char* name : {"tail-prodlike.ndjson", "wrangler-tail-format-json.stdout.txt"}) {
    const std::vector<std::string> documents = sample(name);
    std::size_t lazily = 0;
    for (const std::string& document : documents)
      lazily += Readers(document).is_read_lazily() ? 1U : 0U;
    EXPECT_GE(lazily * 100, documents.size() * 95) << name;
  }
}

TEST(LazyTraceTest, ALogOfThousandsMeansTheSameToBothReaders) {
  for (const bool is_indented : {false, true}) {
    const auto documents = documents_of(bench::tail_log(4'000'000, is_indented));
    ASSERT_GT(documents.size(), 1'000U);
    for (const std::string& document : documents) {
      const Readers readers(document);
      ASSERT_TRUE(readers.is_read_lazily()) << document;
      ASSERT_TRUE(readers.agree()) << document;
    }
  }
}

TEST(LazyTraceTest, LeavesWhatItIsNotSureOf) {
  const std::vector<std::string> left = {
      with(R"("https://a.test/\u0062")", R"("https://a.test/b")"),
      with(R"("wallTime":22.5)", R"("wallTime":22)"),
      with(R"("wallTime":1e2)", R"("wallTime":22)"),
      with(R"("wallTime":"22")", R"("wallTime":22)"),
      with(R"("wallTime":022)", R"("wallTime":22)"),
      with(R"("status":12345678901234567890)", R"("status":503)"),
      with(R"("cf-ray":null)", R"("cf-ray":"8f1")"),
      with(R"("scriptVersion":"v1")", R"("scriptVersion":{"id":"v1"})"),
      with(R"("service":"other")", R"("truncated":false)"),
      with(R"("EventTimestampMs":1)", R"("truncated":false)"),
      with(R"("exceptions":["Error"])", R"("exceptions":[{"name":"Error"}, {"name":"x"}])"),
      with(R"("type":"overload","request")", R"("request")"),
      with(R"("outcomes":"ok")", R"("outcome":"ok")"),
      R"({"ts":1,"service":"a","status":200})",
      "{}",
      "{",
      "",
  };
  for (const std::string& document : left) {
    const Readers readers(document);
    EXPECT_FALSE(readers.is_read_lazily()) << document;
    EXPECT_TRUE(readers.agree()) << document;
  }
}

TEST(LazyTraceTest, ReadsWhatIsUncommonButPlain) {
  const std::vector<std::string> read = {
      with(R"("wallTime" : 22 )", R"("wallTime":22)"),
      with(R"("wallTime":null)", R"("wallTime":22)"),
      with(R"("event":null,"before":{)", R"("event":{)"),
      with(R"("outcome":"canceled","outcome":"ok")", R"("outcome":"ok")"),
      with(R"("new":[{"\"}":"]"},[[-1.5e3,true]]])", R"("truncated":false)"),
      with(R"("scriptName":"Zürich")", R"("scriptName":"api")"),
      with(R"("exceptions":[])", R"("exceptions":[{"name":"Error"}, {"name":"x"}])"),
      with(R"("cron":"* * * * *")", R"("truncated":false)"),
      with(R"("response":null)", R"("response":{"status":503})"),
  };
  for (const std::string& document : read) {
    const Readers readers(document);
    EXPECT_TRUE(readers.is_read_lazily()) << document;
    EXPECT_TRUE(readers.is_good()) << document;
    EXPECT_TRUE(readers.agree()) << document;
  }
}

TEST(LazyTraceTest, BreakageInWhatItLeapsOverIsSeen) {
  const std::vector<std::string> broken = {
      with("\"city\":\"Z\xFCrich\"", "\"city\":\"Zürich\""),
      with("\"city\":\"Z\nrich\"", "\"city\":\"Zürich\""),
      with(R"("city":"Zürich)", R"("city":"Zürich")"),
      with(R"("n":[1,{"x":[}])", R"("n":[1,{"x":[]}])"),
      with(R"("n":[1,{"x":[]]}])", R"("n":[1,{"x":[]}])"),
      std::string(kTrace) + "}",
      std::string(kTrace) + "{}",
      std::string(kTrace.substr(0, kTrace.size() - 1)),
  };
  for (const std::string& document : broken)
    EXPECT_FALSE(Readers(document).is_read_lazily()) << document;
}

TEST(LazyTraceTest, EveryMethodOfThisMachineIsTried) {
  const auto methods = StructureIndex::methods();
  ASSERT_FALSE(methods.empty());
  EXPECT_EQ(methods.front(), StructureIndex::Method::portable);
#if defined(__x86_64__)
  const auto is_tried = [&](StructureIndex::Method method) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  };
  EXPECT_EQ(is_tried(StructureIndex::Method::avx2), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(is_tried(StructureIndex::Method::avx512), __builtin_cpu_supports("avx512bw") != 0);
#endif
}

/// A trace like the one before is read by what was learned from that; one that differs, even where
/// it was about to be believed, is read as if it were the first.
TEST(LazyTraceTest, WhatItLearnedNeverChangesWhatItReads) {
  const std::vector<std::pair<std::string_view, std::string_view>> changes = {
      {R"(,"cpuTime":2)", ""},
      {R"("wallTime":22)", R"("cpuTime":22)"},
      {R"("wallTime":22)", R"("wallTIme":22)"},
      {R"("wallTime":22,)", R"("wallTime":22 ,)"},
      {R"("wallTime":22,)", R"("wallTime":22,,)"},
      {R"("wallTime":22,)", R"("wallTime":22)"},
      {R"({"wallTime")", R"({,"wallTime")"},
      {R"("outcome":"ok")", R"("outcome": "ok")"},
      {R"("outcome":"ok")", R"("outcome":"ok","new":{"outcome":"no"})"},
      {R"({"id":"v1"})", R"({"tag":"x","id":"v1"})"},
      {R"({"id":"v1"})", R"({})"},
      {R"("url":"https://a.test/b","method":"GET")", R"("method":"GET","url":"https://a.test/b")"},
      {R"({"status":503}}})", R"({"status":503}} })"},
      {R"({"status":503}}})", R"({"status":503}}")"},
      {R"({"status":503}}})", R"({"status":503}},"scriptName":"late"})"},
  };
  for (const auto& [from, to] : changes) {
    LazyTrace learned;
    const Padded usual(kTrace);
    Fields unused;
    ASSERT_TRUE(learned.read(usual.view(), unused));
    const std::string document = with(to, from);
    const Padded changed(document);
    Fields fields;
    const bool is_read = learned.read(changed.view(), fields);
    const Readers readers(document);
    EXPECT_TRUE(readers.agree()) << document;
    EXPECT_EQ(is_read, readers.is_read_lazily()) << document;
    if (is_read) {
      EXPECT_EQ(of(fields), of(readers.fields())) << document;
    }
  }
}

TEST(LazyTraceTest, MoreMembersThanItCanLearnAreReadAllTheSame) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "\"member" + std::to_string(i) + "\":[],";
  const Padded document(with(many + R"("truncated":false)", R"("truncated":false)"));
  LazyTrace lazy;
  for (int i = 0; i < 3; ++i) {
    Fields fields;
    ASSERT_TRUE(lazy.read(document.view(), fields));
    EXPECT_EQ(fields.ray, "8f1");
  }
}

TEST(PlainNumberTest, IsWhatItsDigitsSay) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t digits = static_cast<std::size_t>(i) % 19;
    std::string text;
    while (text.size() < digits) text += static_cast<char>('0' + random() % 10);
    std::string bytes = text + static_cast<char>(random() % 2 == 0 ? '/' : ':');
    while (bytes.size() < 20) bytes += static_cast<char>(random());
    const PlainNumber read = plain_number(bytes.data());
    if (digits > PlainNumber::kDigitsMax) {
      EXPECT_GT(read.digits, PlainNumber::kDigitsMax) << text;
      continue;
    }
    ASSERT_EQ(read.digits, digits) << text;
    if (digits > 0) {
      EXPECT_EQ(read.value, std::stoull(text));
    }
  }
}

TEST(LazyTraceTest, EscapesAndStringsMayLieAcrossBlocks) {
  for (std::size_t shift = 0; shift < 130; ++shift) {
    std::string padding(shift, 'x');
    const Readers readers(
        with(R"("t":")" + padding + R"(\\\"{","u":"\\")", R"("truncated":false)"));
    ASSERT_TRUE(readers.is_read_lazily()) << shift;
    ASSERT_TRUE(readers.agree()) << shift;
    EXPECT_EQ(readers.fields().ray, "8f1");
  }
}

TEST(LazyTraceTest, ThirtyThousandBrokenTracesAreReadWithinTheirBytesAndAlike) {
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::vector<std::string> traces = sample("replay.ndjson");
  for (const char* name : {"tail-prodlike.ndjson", "wrangler-tail-format-json.stdout.txt"})
    for (std::string& document : sample(name)) traces.push_back(std::move(document));
  for (int i = 0; i < 100; ++i) traces.emplace_back(kTrace);
  std::size_t read = 0;
  std::size_t accepted_alone = 0;
  for (std::size_t i = 0; i < 30'000; ++i) {
    std::string document = traces[i % traces.size()];
    for (std::size_t times = i % 3; times < 3; ++times) test::mutate(document, random);
    const Readers readers(document);
    ASSERT_TRUE(readers.agree()) << document;
    read += readers.is_read_lazily() ? 1U : 0U;
    accepted_alone += readers.is_read_lazily() && !readers.is_good() ? 1U : 0U;
  }
  RecordProperty("read", static_cast<int>(read));
  RecordProperty("accepted_alone", static_cast<int>(accepted_alone));
  EXPECT_GT(read, 3'000U);
  // Commas and colons that are missing in what it leaps over, and their like.
  EXPECT_LT(accepted_alone * 10, read);
}

TEST(LazyTraceTest, ATraceAmongManyOtherLinesIsReadAgainSoon) {
  LazyTrace lazy;
  const std::string other =
      R"({"ts":1,"service":"a","status":200})" + std::string(kDocumentPadding, '\0');
  const std::string_view other_line(other.data(), other.size() - kDocumentPadding);
  for (int i = 0; i < 1'000; ++i) {
    Fields fields;
    EXPECT_FALSE(lazy.read(other_line, fields));
  }
  const std::string trace = std::string(kTrace) + std::string(kDocumentPadding, '\0');
  int missed = 0;
  for (;; ++missed) {
    Fields fields;
    if (lazy.read({trace.data(), kTrace.size()}, fields)) break;
    ASSERT_LT(missed, 100);
  }
  Fields fields;
  EXPECT_TRUE(lazy.read({trace.data(), kTrace.size()}, fields));
}

}  // namespace
}  // namespace belay::monitor
