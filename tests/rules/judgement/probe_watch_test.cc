// Which answers of a probe blame a candidate, hold it, or let it pass.

#include "rules/judgement/probe_watch.h"

#include <string_view>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

constexpr Instant kStart = from_unix_ms(1'700'000'000'000);

/// One answer a second: "c", "b" and "n" of the candidate, the baseline and nobody knows whom; as a
/// capital it failed.
ProbeWatch after(std::string_view answers) {
  ProbeWatch watch;
  Instant at = kStart;
  for (const char answer : answers) {
    at += std::chrono::seconds{1};
    const bool failed = answer < 'a';
    const char whose = static_cast<char>(failed ? answer - 'A' + 'a' : answer);
    std::optional<Role> role;
    if (whose == 'c') role = Role::candidate;
    if (whose == 'b') role = Role::baseline;
    watch.answered("healthz", role, at, failed);
  }
  return watch;
}

bool is_red_nameless(std::string_view answers) {
  const std::vector<ProbeWatch::Red> red = after(answers).red();
  return !red.empty() && red.back().is_nameless;
}

TEST(ProbeWatchTest, ThreeFailuresInARowBesideABaselineThatPassesAreWorse) {
  EXPECT_TRUE(after("CCCb").worse());
  EXPECT_TRUE(after("bCbCbCb").worse());
  EXPECT_FALSE(after("CCCB").worse()) << "both fail";
  EXPECT_FALSE(after("bCCC").worse()) << "it passed before that";
  EXPECT_FALSE(after("CCcCb").worse());
  EXPECT_FALSE(after("CCC").worse()) << "nobody asked the baseline";
}

TEST(ProbeWatchTest, GoodAnswersOfNobodyKnowsWhomBetweenThemMayBeTheCandidates) {
  EXPECT_FALSE(after("CbnnnnCbnnnnCb").worse());
  EXPECT_TRUE(after("CbNCbCb").worse());
}

TEST(ProbeWatchTest, NamelessFailuresHoldWhateverTheBaselineAnswers) {
  EXPECT_TRUE(is_red_nameless("NNN"));
  EXPECT_TRUE(is_red_nameless("NbNbNb")) << "it is asked beside the candidate";
  EXPECT_FALSE(is_red_nameless("NNnN"));
  EXPECT_FALSE(is_red_nameless("NNcN")) << "the candidate answers well";
  EXPECT_FALSE(after("NNNb").worse());
}

TEST(ProbeWatchTest, WhatFlapsIsNotOverWithOneGoodAnswer) {
  EXPECT_TRUE(is_red_nameless("NNNnn"));
  EXPECT_TRUE(is_red_nameless("NNNnnNnn"));
  EXPECT_FALSE(is_red_nameless("NNNnnn"));
  EXPECT_FALSE(is_red_nameless("NNNccc"));
}

TEST(ProbeWatchTest, TheNewestAnswersMustBeASignOfHealth) {
  for (const char* fine : {"", "n", "nN", "nnnnNnnnnN", "c", "cccC", "cBBB", "NNNnnnnnnnnnn"})
    EXPECT_FALSE(after(fine).doubt()) << fine;
  for (const char* doubtful : {"N", "C", "nNN", "cCC", "NnnNnnnnnN", "bN", "b", "bcbNbcbNbcbN",
                               "cncncnNnNnNnNn", "cNcNcNcN"})
    EXPECT_TRUE(after(doubtful).doubt()) << doubtful;
}

}  // namespace
}  // namespace belay::rules
