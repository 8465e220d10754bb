#include "monitor/config/written_secrets.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

std::string masked(std::string line) {
  mask_likely_secrets(line);
  return line;
}

TEST(WrittenSecretsTest, OfAnAddressTheUserAndTheQueryAreHidden) {
  EXPECT_EQ(masked("  url: https://me:pw@h.example/p?key=abc"),
            "  url: https://*****@h.example/p?*******");
  EXPECT_EQ(masked("a: { url: 'redis://:p w@h', x: 1 }"), "a: { url: 'redis://****@h', x: 1 }");
  EXPECT_EQ(masked("url: https://h.example/p"), "url: https://h.example/p");
  EXPECT_EQ(masked("[http://a:b@c, http://d]"), "[http://***@c, http://d]");
}

TEST(WrittenSecretsTest, WhatStandsUnderANameOfASecretIsHidden) {
  EXPECT_EQ(masked("pasword: abc"), "pasword: ***");
  EXPECT_EQ(masked("passwd: abc def"), "passwd: *******");
  EXPECT_EQ(masked("{ token: abc }"), "{ token: *** }");
  EXPECT_EQ(masked("{ API_KEY: abc, x: y }"), "{ API_KEY: ***, x: y }");
  EXPECT_EQ(masked("[\"--token=abc\", b]"), "[\"--token=***\", b]");
  EXPECT_EQ(masked("\"Authorization\": 'Bearer abc'"), "\"Authorization\": '**********'");
  EXPECT_EQ(masked("webhook: ${HOOK}"), "webhook: ${HOOK}");
  EXPECT_EQ(masked("tokens:"), "tokens:");
  EXPECT_EQ(masked("tokens: [{ name: ci }]"), "tokens: [{ name: ci }]");
  EXPECT_EQ(masked("flags: { key: checkout }"), "flags: { key: checkout }");
}

TEST(WrittenSecretsTest, AVariableIsNoSecretAndItsDefaultMayBe) {
  const auto literal = [](std::string_view text) {
    std::string shown(text);
    for (const TextSpan& part : literal_parts(text, {0, text.size()}))
      std::fill(shown.begin() + static_cast<std::ptrdiff_t>(part.begin),
                shown.begin() + static_cast<std::ptrdiff_t>(part.end), '*');
    return shown;
  };
  EXPECT_EQ(literal("${NAME}"), "${NAME}");
  EXPECT_EQ(literal("redis://:pw@${HOST}/0"), "************${HOST}**");
  EXPECT_EQ(literal("${NAME:-pw}"), "${NAME:-**}");
  EXPECT_EQ(literal("${file:/run/x}"), "${file:/run/x}");
  EXPECT_EQ(literal("a${pw"), "*****");
  EXPECT_EQ(literal("a${no name}b"), "************");
}

TEST(WrittenSecretsTest, OddLinesAreLeftInOnePiece) {
  for (const char* line :
       {"", "://", "token", "token:", "token: ", "token: \"", "?://?", "a://@?"}) {
    EXPECT_EQ(masked(line).size(), std::string_view(line).size()) << line;
  }
}

}  // namespace
}  // namespace belay::monitor
