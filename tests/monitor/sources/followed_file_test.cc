#include "monitor/sources/followed_file.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

/// Each longer than the one before; only the first bytes tell that it is another one. The same from
/// there on, as what is half written may be read.
std::string text_of(int round) {
  std::string text = "text " + std::to_string(1000 + round) + "\n";
  for (int line = 0; line <= round; ++line) text += "line\n";
  return text;
}

TEST(FollowedFileTest, WhatIsWrittenAnewWhileItIsReadIsReadFromItsBeginning) {
  constexpr int kRounds = 400;
  const belay::test::TemporaryDirectory place;
  const std::filesystem::path path = place.path() / "tail.log";
  std::ofstream(path) << "text 0000\n";
  auto opened = FollowedFile::open(path, FollowedFile::Where::beginning);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  FollowedFile& file = *opened;
  char buffer[4096];
  ASSERT_EQ(file.read(buffer, sizeof buffer)->bytes, 10U);
  for (int round = 0; round < kRounds; ++round) {
    const std::string text = text_of(round);
    const std::jthread writer(
        [&] { std::ofstream(path, std::ios::binary | std::ios::in) << text; });
    std::string seen;
    // Without a pause, so that some reads fall into the middle of the writing.
    const auto until = std::chrono::steady_clock::now() + belay::test::patience(20s);
    while (seen != text && std::chrono::steady_clock::now() < until) {
      const auto got = file.read(buffer, sizeof buffer);
      ASSERT_TRUE(got.ok()) << got.error().message;
      if (got->is_anew) seen.clear();
      seen.append(buffer, got->bytes);
      ASSERT_TRUE(text.starts_with(seen)) << "round " << round << ": " << seen;
    }
    ASSERT_EQ(seen, text) << "round " << round;
  }
}

TEST(FollowedFileTest, ItsFirstBytesAreThoseThatWereReadPieceByPieceAndGivenBack) {
  const belay::test::TemporaryDirectory place;
  const std::filesystem::path path = place.path() / "tail.log";
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>('a' + i % 26);
  std::ofstream(path, std::ios::binary) << text;
  auto opened = FollowedFile::open(path, FollowedFile::Where::beginning);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  char buffer[100];
  ASSERT_EQ(opened->read(buffer, 100)->bytes, 100U);
  opened->give_back(50);
  ASSERT_EQ(opened->read(buffer, 100)->bytes, 100U);
  ASSERT_EQ(opened->read(buffer, 100)->bytes, 100U);
  // Behind what was given back, and behind the first two reads: all of it is known.
  std::string other = text;
  other[149] = '?';
  std::ofstream(path, std::ios::binary | std::ios::in) << other;
  EXPECT_TRUE(opened->read(buffer, 100)->is_anew);
}

}  // namespace
}  // namespace belay::monitor
