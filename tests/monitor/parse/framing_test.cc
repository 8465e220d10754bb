#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/monitor/parse/parsed.h"
#include "tests/support/peak_memory.h"

namespace belay::monitor {
namespace {

using test::Parsed;

std::string event(const std::string& route) {
  return R"({"ts":1795182320647,"service":"shop","status":200,"route":"/)" + route + "\"}";
}

std::string indented(const std::string& route) {
  return "{\n    \"ts\": 1795182320647,\n    \"service\": \"shop\",\n    \"status\": 200,\n" +
         std::string("    \"more\": {\n        \"x\": [\n            1\n        ]\n    },\n") +
         "    \"route\": \"/" + route + "\"\n}\n";
}

/// Cut at every byte, the input means the same; that meaning.
Parsed everywhere(const std::string& input, const LogParserOptions& options = {}) {
  Parsed whole(options);
  whole.all(input);
  EXPECT_TRUE(whole.adds_up());
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    Parsed parts(options);
    parts.feed(std::string_view(input).substr(0, cut)).all(std::string_view(input).substr(cut));
    EXPECT_EQ(parts.shown(), whole.shown()) << "cut at " << cut;
  }
  EXPECT_EQ(Parsed(options).all(input, 1).shown(), whole.shown());
  return whole;
}

std::string routes(const Parsed& parsed) {
  std::string out;
  for (const auto& request : parsed.requests()) out += parsed.text(request.route) + ' ';
  return out;
}

TEST(FramingTest, ABrokenLineCostsItselfOnly) {
  const Parsed parsed = everywhere(event("a") + "\n" + event("b").substr(0, 40) + "\n" +
                                   event("c") + "\n{\"open\":\"\n" + event("d") + "\n");
  EXPECT_EQ(routes(parsed), "/a /c /d ");
  EXPECT_EQ(parsed.parser.documents(), 5U);
  EXPECT_EQ(parsed.rejected("broken"), 2U);
}

TEST(FramingTest, MarksBlanksAndCarriageReturnsAreNothing) {
  const Parsed parsed =
      everywhere("\xEF\xBB\xBF" + event("a") + "\r\n\r\n   \n  " + event("b") + "  \r\n\n");
  EXPECT_EQ(routes(parsed), "/a /b ");
  EXPECT_EQ(parsed.parser.documents(), 2U);
}

TEST(FramingTest, ALastLineNeedsNoNewline) {
  EXPECT_EQ(routes(everywhere(event("a") + "\n" + event("b"))), "/a /b ");
}

TEST(FramingTest, IndentedDocumentsFollowEachOther) {
  const Parsed parsed =
      everywhere("\xEF\xBB\xBF" + indented("a") + indented("b") + "{\n}\n" + indented("c"));
  EXPECT_EQ(routes(parsed), "/a /b /c ");
  EXPECT_EQ(parsed.parser.documents(), 4U);
}

TEST(FramingTest, LinesAndIndentedDocumentsMayMix) {
  const Parsed parsed =
      everywhere(event("a") + "\n" + indented("b") + "a warning\n" + event("c") + "\n");
  EXPECT_EQ(routes(parsed), "/a /b /c ");
  EXPECT_EQ(parsed.rejected("not_json"), 1U);
}

TEST(FramingTest, ABrokenIndentedDocumentCostsItselfOnly) {
  const std::string broken = indented("b").substr(0, indented("b").size() - 2);
  const Parsed parsed = everywhere(indented("a") + broken + indented("c"));
  EXPECT_EQ(routes(parsed), "/a /c ");
  EXPECT_EQ(parsed.rejected("unfinished"), 1U);
}

TEST(FramingTest, AnOpenStringDoesNotSwallowTheNextDocument) {
  std::string broken = indented("b");
  broken.erase(broken.rfind('"'), 1);
  EXPECT_EQ(routes(everywhere(indented("a") + broken + indented("c"))), "/a /c ");
}

TEST(FramingTest, TheRestOfADocumentWhoseBeginningWasNotSeenIsOneFragment) {
  const Parsed parsed = everywhere(indented("a").substr(30) + indented("b"));
  EXPECT_EQ(routes(parsed), "/b ");
  EXPECT_EQ(parsed.rejected("fragment"), 1U);
  EXPECT_EQ(parsed.parser.documents(), 2U);
}

TEST(FramingTest, DocumentsWithoutIndentationEndByDepth) {
  const std::string flat =
      "{\n\"more\": {\n\"x\": \"}\\\"{\"\n},\n\"ts\": 1795182320647,\n\"service\": \"shop\",\n"
      "\"status\": 200,\n\"route\": \"/a\"\n}\n";
  const Parsed parsed = everywhere(flat + flat + indented("b"));
  EXPECT_EQ(routes(parsed), "/a /a /b ");
  EXPECT_EQ(parsed.parser.documents(), 3U);
}

TEST(FramingTest, ArraysOfAllShapes) {
  EXPECT_EQ(routes(everywhere("[" + event("a") + "," + event("b") + "]")), "/a /b ");
  EXPECT_EQ(routes(everywhere("[\n" + event("a") + ",\n" + event("b") + "\n]\n")), "/a /b ");
  EXPECT_EQ(routes(everywhere(" [ \r\n  " + event("a") + " ] " + "\n" + event("b"))), "/a /b ");
  EXPECT_EQ(routes(everywhere("[\n" + indented("a") + ",\n" + indented("b") + "]")), "/a /b ");
  EXPECT_EQ(everywhere("[]\n").parser.documents(), 0U);
}

TEST(FramingTest, ABrokenElementCostsItselfOnly) {
  const Parsed parsed =
      everywhere("[\n" + event("a") + ",\n{\"x\":{\n" + event("b") + ",\n1,\"no, no\",null\n]");
  EXPECT_EQ(routes(parsed), "/a /b ");
  EXPECT_EQ(parsed.parser.documents(), 6U);
  EXPECT_EQ(parsed.rejected("unfinished"), 1U);
  EXPECT_EQ(parsed.rejected("not_json"), 3U);
}

TEST(FramingTest, TextThatBeginsWithABracketIsNoArray) {
  const Parsed parsed = everywhere("[PR03] no candidate\n[2026] x\n" + event("a") + "\n");
  EXPECT_EQ(routes(parsed), "/a ");
  EXPECT_EQ(parsed.rejected("not_json"), 2U);
}

TEST(FramingTest, WhatIsTooLongIsSkippedAndCountedOnce) {
  const LogParserOptions small{.document_bytes_max = 150};
  const std::string much(400, 'x');
  const Parsed lines =
      everywhere(event("a") + "\n" + event(much) + "\n" + event("b") + "\n", small);
  EXPECT_EQ(routes(lines), "/a /b ");
  EXPECT_EQ(lines.rejected("too_long"), 1U);
  const Parsed documents = everywhere(indented(much) + indented("b"), {.document_bytes_max = 200});
  EXPECT_EQ(routes(documents), "/b ");
  EXPECT_EQ(documents.rejected("too_long"), 1U);
  const Parsed elements = everywhere("[" + event(much) + "," + event("b") + "]", small);
  EXPECT_EQ(routes(elements), "/b ");
  EXPECT_EQ(elements.rejected("too_long"), 1U);
}

TEST(FramingTest, AnEndlessDocumentHoldsNoMemory) {
  Parsed parsed;
  const std::string chunk = "  \"x\": \"" + std::string(65536, 'y') + "\",\n";
  parsed.feed("{\n");
  belay::test::forget_peak_memory();
  const std::uint64_t before = belay::test::peak_memory_bytes();
  for (int i = 0; i < 1600; ++i) parsed.parser.feed(chunk, test::kNow, parsed.events);
  parsed.all("}\n" + event("a"));
  EXPECT_LT(belay::test::peak_memory_bytes() - before, belay::test::memory_mib(16, 64));
  EXPECT_EQ(routes(parsed), "/a ");
  EXPECT_EQ(parsed.rejected("too_long"), 1U);
  EXPECT_EQ(parsed.parser.documents(), 2U);
}

TEST(FramingTest, WhatIsHalfReadWhenTheStreamBreaksIsCutOff) {
  const std::array<std::string, 3> halves = {event("x").substr(0, 30), indented("x").substr(0, 30),
                                             "[" + event("x").substr(0, 30)};
  for (const std::string& half : halves) {
    Parsed parsed;
    parsed.feed(event("a") + "\n" + half);
    parsed.parser.reset();
    parsed.all(event("b"));
    EXPECT_EQ(routes(parsed), "/a /b ");
    EXPECT_EQ(parsed.rejected("cut_off"), 1U);
    EXPECT_TRUE(parsed.adds_up());
  }
}

TEST(FramingTest, AnIndentedDocumentThatNeverEndsIsUnfinished) {
  const Parsed parsed = everywhere(indented("a") + indented("b").substr(0, 50));
  EXPECT_EQ(routes(parsed), "/a ");
  EXPECT_EQ(parsed.rejected("unfinished"), 1U);
}

}  // namespace
}  // namespace belay::monitor
