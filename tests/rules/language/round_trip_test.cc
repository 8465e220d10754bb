#include <random>

#include <gtest/gtest.h>

#include "rules/language/parser.h"
#include "tests/rules/language/random_sentence.h"
#include "tests/rules/language/sentence_dump.h"
#include "tests/rules/language/sentences.h"

namespace belay::rules::test {
namespace {

std::string faults(const ParsedSentence& parsed) {
  std::string out;
  for (const Diagnostic& diagnostic : parsed.diagnostics) out += diagnostic.message + "\n";
  return out;
}

TEST(RoundTripTest, NormalFormOfEverySentenceThatMustWorkParsesToTheSame) {
  for (const std::string_view text : kSentences) {
    const ParsedSentence first = parse_sentence(text);
    ASSERT_TRUE(first.sentence) << text << "\n" << faults(first);
    const std::string normal = normal_form(*first.sentence);
    const ParsedSentence second = parse_sentence(normal);
    ASSERT_TRUE(second.sentence) << normal << "\n" << faults(second);
    EXPECT_EQ(dump(*first.sentence), dump(*second.sentence)) << normal;
    EXPECT_EQ(normal, normal_form(*second.sentence));
  }
}

TEST(RoundTripTest, RandomSentencesParseAndTheirNormalFormMeansTheSame) {
  constexpr std::uint64_t kSeed = 20261120;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 5000; ++i) {
    const std::string text = random_sentence(random);
    const ParsedSentence first = parse_sentence(text);
    ASSERT_TRUE(first.sentence) << "seed " << kSeed << ", sentence " << i << ": " << text << "\n"
                                << faults(first);
    const std::string normal = normal_form(*first.sentence);
    const ParsedSentence second = parse_sentence(normal);
    ASSERT_TRUE(second.sentence) << text << "\n" << normal << "\n" << faults(second);
    ASSERT_EQ(dump(*first.sentence), dump(*second.sentence)) << text << "\n" << normal;
    ASSERT_EQ(normal, normal_form(*second.sentence)) << text;
  }
}

}  // namespace
}  // namespace belay::rules::test
