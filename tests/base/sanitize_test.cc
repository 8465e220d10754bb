#include "base/sanitize.h"

#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "base/secret.h"

namespace belay {
namespace {

TEST(Sanitize, LeavesPlainTextAlone) {
  EXPECT_EQ(sanitize("GET /naïve?q=日本 🙂 <b>&amp;"), "GET /naïve?q=日本 🙂 <b>&amp;");
}

TEST(Sanitize, SpellsOutControlCharacters) {
  EXPECT_EQ(sanitize("a\x1b[31mred\x07\n\r\t\x7f"), "a\\x1B[31mred\\x07\\n\\r\\t\\x7F");
  EXPECT_EQ(sanitize("\xC2\x9B"
                     "31m"),
            "\\x9B31m");
  EXPECT_EQ(sanitize(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Sanitize, SpellsOutCharactersThatHideOrReorder) {
  EXPECT_EQ(sanitize("evil\xE2\x80\xAEtxt.exe"), "evil\\u{202E}txt.exe");
  EXPECT_EQ(sanitize("a\xE2\x80\x8B"
                     "b\xEF\xBB\xBF"),
            "a\\u{200B}b\\u{FEFF}");
}

TEST(Sanitize, ReplacesInvalidUtf8) {
  EXPECT_EQ(sanitize("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(sanitize("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(sanitize("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(sanitize("cut \xE6\x97"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Sanitize, CutsAtACharacterAndSaysSo) {
  EXPECT_EQ(sanitize("abcdefghij", 8), "abcde…");
  EXPECT_EQ(sanitize("日本語", 7), "日…");
  EXPECT_EQ(sanitize("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(sanitize("abcdefgh", 2), "");
}

TEST(Sanitize, IsBoundedCleanAndIdempotentOnAnyBytes) {
  std::mt19937 random(20261120);
  for (int round = 0; round < 5000; ++round) {
    std::string text(random() % 60, '\0');
    for (char& c : text) c = static_cast<char>(random());
    const std::size_t bytes_max = random() % 80;
    const std::string once = sanitize(text, bytes_max);
    ASSERT_LE(once.size(), bytes_max);
    for (const char c : once) ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7F);
    ASSERT_EQ(sanitize(once, bytes_max), once);
  }
}

TEST(Secret, IsNeverShownByAStream) {
  std::ostringstream out;
  out << Secret("hunter2");
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(Secret("hunter2").reveal(), "hunter2");
}

}  // namespace
}  // namespace belay
