#include "net/percent_coding.h"

#include <gtest/gtest.h>

namespace belay::net {
namespace {

TEST(PercentCoding, ComesBackAsItWas) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decoded(percent_encoded(all)), all);
  EXPECT_EQ(percent_encoded("a-Z_0.~"), "a-Z_0.~");
  EXPECT_EQ(percent_encoded("a/b c%\xff"), "a%2Fb%20c%25%FF");
}

TEST(PercentCoding, RefusesWhatIsBroken) {
  for (const char* broken : {"%", "a%4", "%4", "%g0", "%0g", "%%41", "% 1"})
    EXPECT_EQ(percent_decoded(broken), std::nullopt) << broken;
  EXPECT_EQ(percent_decoded("%41%6a%6A+"), "Ajj+");
}

}  // namespace
}  // namespace belay::net
