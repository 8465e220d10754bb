#include <random>
#include <string>

#include <gtest/gtest.h>

#include "rules/language/located.h"
#include "rules/language/parser.h"
#include "tests/rules/language/sentence_dump.h"
#include "tests/rules/language/sentences.h"

namespace belay::rules::test {
namespace {

constexpr std::uint64_t kSeed = 7;

std::string mutate(std::string text, std::mt19937_64& random) {
  static constexpr std::string_view kPieces[] = {
      "(",    ")",        "{",         "}",          "\"",    "\\",
      ",",    " - ",      "-",         "+",          "x",     "~",
      "=~",   " and ",    " or ",      "%",          "/s",    "99999999999999999999",
      "0.",   "p99.999",  "baseline ", "candidate ", "over ", "min ",
      "for ", "no data ", "queue ",    "metric ",    "\xff",  "\xc3",
      "\n",   "\0x",      "(((((((("};
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.erase(at, 1 + below(4));
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 2:
        text.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      default:
        text += std::string(" and ").append(kSentences[below(kSentences.size())]);
        break;
    }
  }
  return text;
}

/// What must hold of any bytes.
void expect_sound(const std::string& text) {
  const ParsedSentence parsed = parse_sentence(text);
  ASSERT_NE(parsed.sentence.has_value(), has_error(parsed.diagnostics)) << text;
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    ASSERT_GE(diagnostic.column, 1U) << text;
    ASSERT_LE(diagnostic.column, text.size() + 1) << text;
    ASSERT_LE(diagnostic.column + diagnostic.length, text.size() + 2) << text;
    ASSERT_FALSE(diagnostic.message.empty()) << text;
    const std::string shown = render(diagnostic, text, "when");
    ASSERT_EQ(shown.find('\x1b'), std::string::npos) << text;
  }
  if (!parsed.sentence) return;
  const ParsedSentence again = parse_sentence(normal_form(*parsed.sentence));
  ASSERT_TRUE(again.sentence) << text << "\n" << normal_form(*parsed.sentence);
  ASSERT_EQ(dump(*parsed.sentence), dump(*again.sentence)) << text;
}

TEST(MutationTest, TwentyThousandBrokenSentencesGiveErrorsInsideTheSentenceAndNoCrash) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = mutate(std::string(kSentences[random() % kSentences.size()]), random);
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", mutation " + std::to_string(i));
    expect_sound(text);
    if (HasFatalFailure()) return;
    (void)parse_then(text);
  }
}

TEST(MutationTest, RandomBytesGiveErrorsAndNoCrash) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 5000; ++i) {
    std::string text(random() % 60, ' ');
    for (char& c : text) c = static_cast<char>(random());
    expect_sound(text);
    if (HasFatalFailure()) return;
  }
}

TEST(MutationTest, AThousandBracketsAreRefusedAndNotFollowedDown) {
  EXPECT_FALSE(parse_sentence(std::string(4000, '(')).sentence);
}

TEST(MutationTest, ASentenceOfAMegabyteIsRefused) {
  const ParsedSentence parsed = parse_sentence(std::string(1 << 20, 'a'));
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].message, "a sentence has at most 4096 bytes");
}

}  // namespace
}  // namespace belay::rules::test
