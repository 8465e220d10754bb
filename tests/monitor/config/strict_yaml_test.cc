#include "monitor/config/strict_yaml.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

Interpolation fake() {
  return {[](const std::string& name) -> std::optional<std::string> {
            if (name == "TOKEN") return "s3cret";
            if (name == "YAML") return "a: [b, 010]";
            return std::nullopt;
          },
          {}};
}
YamlFile file(std::string text) { return YamlFile::parse("a.yaml", std::move(text), fake()); }

std::string line(const rules::Located& fault) {
  return std::to_string(fault.line) + ":" + std::to_string(fault.what.column) + " " +
         fault.what.message + (fault.what.suggestion.empty() ? "" : " -> " + fault.what.suggestion);
}
std::vector<std::string> lines(const YamlFile& file) {
  std::vector<std::string> out;
  for (const rules::Located& fault : file.faults()) out.push_back(line(fault));
  return out;
}
using Lines = std::vector<std::string>;

TEST(StrictYamlTest, ReadsEveryKindOfValue) {
  YamlFile yaml = file(
      "text: ${TOKEN} $$\nraw: ${TOKEN}\nflag: true\ncount: -12\nevery: 1m30s\n"
      "share: 10%\nmode: enforce\nsecret: ${TOKEN}\nlist: [a, b]\nmap: {x: 1}\n");
  static constexpr std::array<std::string_view, 2> kModes = {"observe", "enforce"};
  {
    YamlMap map(yaml.root(), "a test");
    EXPECT_EQ(map.get("text").string(), "s3cret $");
    EXPECT_EQ(map.get("raw").text(), "${TOKEN}");
    EXPECT_EQ(map.get("flag").boolean(), true);
    EXPECT_EQ(map.get("count").integer(-20), -12);
    EXPECT_EQ(map.get("every").duration(), 90s);
    EXPECT_EQ(map.get("share").percent(), 0.1);
    EXPECT_EQ(map.get("mode").choice(kModes), 1U);
    EXPECT_EQ(map.get("secret").secret()->reveal(), "s3cret");
    EXPECT_EQ(map.get("list").list().size(), 2U);
    EXPECT_EQ(map.get("map").entries().front().name, "x");
    EXPECT_FALSE(map.get("absent").string());
  }
  EXPECT_EQ(lines(yaml), Lines{});
}

TEST(StrictYamlTest, UnknownKeysAreReportedWithTheNearestOfThoseAskedFor) {
  YamlFile yaml = file("urk: x\nother: y\n");
  {
    YamlMap map(yaml.root(), "a probe");
    (void)map.get("url");
    (void)map.get("every");
  }
  EXPECT_EQ(lines(yaml), (Lines{"1:1 \"urk\" is no key of a probe -> url",
                                "2:1 \"other\" is no key of a probe: it has url, every"}));
  EXPECT_TRUE(yaml.failed());
}

TEST(StrictYamlTest, DuplicateKeysAreRefusedAtEveryDepth) {
  EXPECT_EQ(lines(file("a: 1\nb: {c: 1, c: 2}\na: 2\n")),
            (Lines{"2:11 \"c\" stands here twice", "3:1 \"a\" stands here twice"}));
}

TEST(StrictYamlTest, AliasesAnchorsMergesAndTagsAreRefused) {
  EXPECT_EQ(lines(file("a: &x {b: 1}\nc: *x\n")),
            (Lines{"1:4 anchors are not used here: write the value where it belongs",
                   "2:4 aliases are not used here: write the value out"}));
  EXPECT_EQ(lines(file("<<: {a: 1}\n")),
            (Lines{"1:1 merging (<<) is not used here: write the values out"}));
  EXPECT_EQ(lines(file("a: !!str 5\n")), (Lines{"1:4 tags are not used here"}));
  EXPECT_EQ(lines(file("a: ! 5\n")), (Lines{"1:4 tags are not used here"}));
}

TEST(StrictYamlTest, ASecondDocumentAnUnclosedQuoteAndAnEmptyFileAreRefused) {
  EXPECT_EQ(lines(file("{a: 1}, b\n")), (Lines{"1:7 this does not belong here"}));
  EXPECT_EQ(lines(file("a: 1\n---\nb: 2\n")), (Lines{"2:1 a second document: a file holds one"}));
  EXPECT_EQ(lines(file("a: \"open\nb: 1\n")), (Lines{"1:4 this quote is never closed"}));
  EXPECT_EQ(lines(file("# nothing\n")), (Lines{"1:1 the file is empty"}));
  EXPECT_EQ(lines(file("a: 'it''s' # fine\n")), Lines{});
}

TEST(StrictYamlTest, BytesThatAreNoTextAreRefusedWithTheirPlace) {
  EXPECT_EQ(lines(file("a: b\nc: \xff\n")), (Lines{"2:4 the file is not UTF-8 here"}));
  EXPECT_EQ(lines(file(std::string("a: \0b\n", 6))),
            (Lines{"1:4 a control character stands here"}));
  EXPECT_EQ(lines(file("\xEF\xBB\xBF"
                       "a: b\r\nc: é\r\n")),
            Lines{});
}

TEST(StrictYamlTest, BrokenYamlHasItsPlace) {
  const Lines found = lines(file("a:\n  - b\n c: [1,\n"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].substr(0, 14), "3:2 not YAML: ");
}

TEST(StrictYamlTest, MoreThanAMebibyteOrAnAbyssIsRefused) {
  EXPECT_EQ(lines(file(std::string(kYamlBytesMax + 1, '#'))),
            (Lines{"1:1 the file is larger than 1 MiB"}));
  const Lines deep = lines(file(std::string(100000, '[')));
  EXPECT_EQ(deep, (Lines{"1:1 the values are nested too deeply"}));
}

TEST(StrictYamlTest, ADurationWithoutAUnitIsGivenTheOneThatFits) {
  YamlFile yaml = file("limit: 250\nevery: 30\nlong: 600\n");
  {
    YamlMap map(yaml.root(), "a test");
    EXPECT_FALSE(map.get("limit").duration(1ms, 10min));
    EXPECT_FALSE(map.get("every").duration(1ms, 10min));
    EXPECT_FALSE(map.get("long").duration(1ms, 24h));
  }
  const std::string should = "a duration like 250ms, 5s or 1m30s should stand here -> ";
  EXPECT_EQ(lines(yaml),
            (Lines{"1:8 " + should + "250ms", "2:8 " + should + "30s", "3:7 " + should + "600s"}));
}

TEST(StrictYamlTest, ASmallNumberThatShouldBeAPercentageMayBeAShareOfOne) {
  YamlFile yaml = file("share: 0.05\nother: 0\n");
  {
    YamlMap map(yaml.root(), "a test");
    EXPECT_FALSE(map.get("share").percent());
    EXPECT_FALSE(map.get("other").percent());
  }
  const std::string should = "a percentage from 0% to 100% should stand here";
  EXPECT_EQ(lines(yaml), (Lines{"1:8 " + should + ": 0.05%, or 5% if that many of 1 are meant",
                                "2:8 " + should + " -> 0%"}));
}

TEST(StrictYamlTest, WrongValuesSayWhatShouldStandThere) {
  YamlFile yaml = file(
      "octal: 010\nquoted: \"5\"\nyes: yes\nevery: 60\nlow: 1s\nshare: 5\nword: enforc\n"
      "map: 5\nlist: {}\nempty:\nunset: ${NONE}\nlarge: 99\n");
  static constexpr std::array<std::string_view, 2> kModes = {"observe", "enforce"};
  {
    YamlMap map(yaml.root(), "a test");
    EXPECT_FALSE(map.get("octal").integer(0));
    EXPECT_FALSE(map.get("quoted").integer(0));
    EXPECT_FALSE(map.get("yes").boolean());
    EXPECT_FALSE(map.get("every").duration());
    EXPECT_FALSE(map.get("low").duration(5s, 24h));
    EXPECT_FALSE(map.get("share").percent());
    EXPECT_FALSE(map.get("word").choice(kModes));
    EXPECT_TRUE(map.get("map").entries().empty());
    EXPECT_TRUE(map.get("list").list().empty());
    EXPECT_FALSE(map.get("empty").string());
    EXPECT_FALSE(map.get("unset").string());
    EXPECT_FALSE(map.get("large").integer(0, 9));
    (void)map.require("missing");
  }
  EXPECT_EQ(lines(yaml), (Lines{"1:1 \"missing\" is missing in a test",
                                "1:8 a number has no leading zero: it would be octal in YAML -> 10",
                                "2:9 a whole number should stand here, without quotes",
                                "3:6 true or false should stand here, without quotes -> true",
                                "4:8 a duration like 250ms, 5s or 1m30s should stand here -> 60s",
                                "5:6 this duration has to be from 5s to 24h",
                                "6:8 a percentage from 0% to 100% should stand here -> 5%",
                                "7:7 one of these should stand here: observe, enforce -> enforce",
                                "8:6 a map should stand here, not a single value",
                                "9:7 a list should stand here, not a map",
                                "10:1 a text should stand here, not nothing",
                                "11:8 the environment variable NONE is not set",
                                "12:8 this number has to be from 0 to 9"}));
}

TEST(StrictYamlTest, ASecretNeverShowsInAFaultAndWarnsWhenItIsWrittenDown) {
  YamlFile yaml = file("a: hunter2\nb: redis://localhost\nc: ${TOKEN}\nd: ''\n");
  {
    YamlMap map(yaml.root(), "a test");
    EXPECT_EQ(map.get("a").secret()->reveal(), "hunter2");
    EXPECT_TRUE(map.get("b").secret(true));
    EXPECT_TRUE(map.get("c").secret());
    EXPECT_FALSE(map.get("d").secret());
  }
  EXPECT_EQ(lines(yaml),
            (Lines{"1:4 a secret stands in the file itself: write ${NAME} or ${file:/path}",
                   "4:4 a secret must not be empty"}));
  EXPECT_EQ(yaml.faults()[0].what.level, rules::Diagnostic::Level::warning);
}

TEST(StrictYamlTest, TheLineThatAFaultQuotesHidesTheSecretsInIt) {
  YamlFile yaml = file(
      "a: { token: hunter2, url: 'redis://:hunter3@h', tpyo: 1 }\nb: \"hunter4\\x21\"\n"
      "c: >\n  hunter5\nd: pre-${TOKEN}\n");
  {
    YamlMap top(yaml.root(), "a test");
    {
      YamlMap map(top.get("a"), "a");
      EXPECT_EQ(map.get("token").secret()->reveal(), "hunter2");
      EXPECT_EQ(map.get("url").secret(true)->reveal(), "redis://:hunter3@h");
    }
    EXPECT_EQ(top.get("b").secret()->reveal(), "hunter4!");
    EXPECT_TRUE(top.get("c").secret());
    EXPECT_TRUE(top.get("d").secret());
    top.get("d").fault("shown");
  }
  const std::vector<rules::Located> faults = yaml.faults();
  ASSERT_EQ(faults.size(), 5U);
  for (const rules::Located& fault : faults) {
    EXPECT_EQ(fault.source_line.find("hunter"), std::string::npos) << fault.source_line;
  }
  EXPECT_EQ(faults[0].source_line, "a: { token: *******, url: '******************', tpyo: 1 }");
  EXPECT_EQ(faults[4].source_line, "d: ****${TOKEN}");
}

TEST(StrictYamlTest, OfWhatIsHiddenNothingIsShownThatLiesBelowIt) {
  YamlFile yaml = file("a: { b: [hunter1, { c: hunter2 }], d: '${TOKEN}' }\n");
  yaml.root().entries().front().value.hide();
  yaml.root().entries().front().value.fault("shown");
  ASSERT_EQ(yaml.faults().size(), 1U);
  EXPECT_EQ(yaml.faults()[0].source_line, "a: { b: [*******, { c: ******* }], d: '${TOKEN}' }");
}

TEST(StrictYamlTest, ALineThatNobodyCouldReadShowsNoPassword) {
  for (const char* text : {"a: [\npassword: hunter2: x\n", "api_token: 'hunter2\n",
                           "a: { url: http://me:hunter2@h/, b\n"}) {
    const YamlFile yaml = file(text);
    ASSERT_FALSE(yaml.faults().empty()) << text;
    for (const rules::Located& fault : yaml.faults())
      EXPECT_EQ(render(fault).find("hunter2"), std::string::npos) << render(fault);
  }
}

TEST(StrictYamlTest, AnInterpolatedValueCannotBecomeYaml) {
  YamlFile yaml = file("a: ${YAML}\n");
  YamlMap map(yaml.root(), "a test");
  EXPECT_EQ(map.get("a").string(), "a: [b, 010]");
}

/// Where a diagnostic at the first `needle` in the value lands in the file.
std::string mapped(const std::string& text, std::string_view needle) {
  YamlFile yaml = file(text);
  const YamlValue value = yaml.root().entries().front().value;
  const auto at = value.text()->find(needle);
  EXPECT_NE(at, std::string::npos) << *value.text();
  rules::Diagnostic diagnostic;
  diagnostic.column = static_cast<std::uint32_t>(at) + 1;
  diagnostic.length = static_cast<std::uint32_t>(needle.size());
  diagnostic.message = "here";
  value.report(diagnostic);
  const rules::Located found = yaml.faults().back();
  return std::to_string(found.line) + ":" + std::to_string(found.what.column) + " " +
         found.source_line.substr(found.what.column - 1, found.what.length);
}

TEST(StrictYamlTest, APlaceInASentenceIsMappedToTheFile) {
  EXPECT_EQ(mapped("when: 5xx rate > 5 over 1m\n", "5 over"), "1:18 5 over");
  EXPECT_EQ(mapped("when: 5xx rate > 5\n  over 1m,\n\n  min 50 jobs\n", "jobs"), "4:10 jobs");
  EXPECT_EQ(mapped("when: 'queue emails depth > 5%'\n", "5%"), "1:29 5%");
  EXPECT_EQ(mapped("when: \"queue \\\"e\\\" depth > 5%\"\n", "5%"), "1:28 5%");
  EXPECT_EQ(mapped("when: 'it''s x'\n", "x"), "1:14 x");
  EXPECT_EQ(mapped("when:   é  é x\n", "x"), "1:16 x");
}

TEST(StrictYamlTest, TenThousandMutationsOfAFileGivePlacesInsideItAndNoCrash) {
  const std::string whole =
      "rules:\n  - name: a\n    when: 5xx rate > 5% over 1m\n    then: \"rollback\"\n"
      "    services: [a, 'b']\n  - {name: b, when: no data for 60s, then: alert}\n";
  std::mt19937_64 random(3);
  static constexpr std::string_view kPieces = "{}[]\"'#&*!|>%@`,:-\n\t ?~<\\";
  for (int i = 0; i < 10000; ++i) {
    std::string text = whole;
    for (std::size_t edits = 1 + random() % 5; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1 + random() % 3);
      } else {
        text.insert(
            at, 1,
            random() % 4 == 0 ? static_cast<char>(random()) : kPieces[random() % kPieces.size()]);
      }
      if (text.empty()) text = "a";
    }
    YamlFile yaml = file(text);
    {
      YamlMap top(yaml.root(), "a rule file");
      for (const YamlValue& rule : top.get("rules").list()) {
        YamlMap map(rule, "a rule");
        (void)map.require("name").text();
        rules::Diagnostic all{rules::Diagnostic::Level::error, 1, 1000, "x", ""};
        map.get("when").report(all);
      }
    }
    for (const rules::Located& fault : yaml.faults()) {
      ASSERT_LE(fault.what.column, fault.source_line.size() + 2) << i << "\n" << text;
      ASSERT_FALSE(render(fault).empty());
    }
  }
}

TEST(StrictYamlTest, ReadingRefusesWhatIsNoRegularFile) {
  EXPECT_FALSE(YamlFile::read("/no/such/file.yaml", fake()));
  EXPECT_FALSE(YamlFile::read("/dev/zero", fake()));
  EXPECT_FALSE(YamlFile::read(testing::TempDir(), fake()));
}

}  // namespace
}  // namespace belay::monitor
