// The numbers of tests/data/decisions/vectors.json were computed at 60 digits.

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rules/judgement/candidate_comparison.h"
#include "rules/judgement/evidence_blocks.h"
#include "rules/judgement/share_bet.h"
#include "tests/support/paths.h"

namespace belay::rules {
namespace {

using nlohmann::json;

json vectors_of(const std::string& kind) {
  std::ifstream file(test::data_path("decisions/vectors.json"));
  const json all = json::parse(file);
  json some = json::array();
  for (const json& vector : all.at("vectors"))
    if (vector.at("kind") == kind) some.push_back(vector);
  return some;
}

double number(const json& text) {
  return text.is_string() ? std::stod(text.get<std::string>()) : text.get<double>();
}

/// "1/6"
double fraction(const std::string& text) {
  const std::size_t bar = text.find('/');
  return std::stod(text.substr(0, bar)) / std::stod(text.substr(bar + 1));
}

void push(EvidenceBlocks& blocks, std::int64_t at, const json& second) {
  for (std::uint32_t route = 0; route < second.at(0).size(); ++route) {
    const auto count = [&](Role role, std::size_t bad, std::size_t total) {
      blocks.count(at, route, role, second.at(total).at(route), second.at(bad).at(route));
    };
    count(Role::candidate, 0, 1);
    count(Role::baseline, 2, 3);
  }
  blocks.advance(at + 1);
}

EvidenceBlocks replayed(const json& vector) {
  EvidenceBlocks blocks({.seconds = vector.at("block_s"), .rho = vector.at("rho")}, 1000);
  std::int64_t at = 1000;
  for (const json& run : vector.at("steps_rle")) {
    for (int i = 0; i < run.at(0).get<int>(); ++i) {
      if (run.at(1).is_string())
        blocks.begin_step();
      else
        push(blocks, at++, run.at(1));
    }
  }
  return blocks;
}

std::string decision(const EvidenceBlocks& blocks, const json& vector) {
  const PracticalFilter filter{.excess_min = 0.002, .bad_min = 3, .bad_blocks_min = 3};
  const double log_odds = blocks.log_wealth() + std::log(number(vector.at("weight")));
  switch (standing_of(log_odds, vector.at("alpha"), filter.passes(blocks))) {
    case Standing::worse:
      return "rollback";
    case Standing::suspect:
      return "warn";
    case Standing::fine:
      return "continue";
  }
  return "";
}

TEST(ComparisonVectors, SequencesOfSecondsComeToTheSameWealthAndEvidence) {
  const json vectors = vectors_of("seq");
  ASSERT_EQ(vectors.size(), 34U);
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector.at("name"));
    const EvidenceBlocks blocks = replayed(vector);
    EXPECT_NEAR(blocks.log_wealth(), number(vector.at("log_e")), 1e-9);
    EXPECT_EQ(blocks.votes(), vector.at("votes").get<std::uint64_t>());
    const PairCounts& evidence = blocks.evidence();
    EXPECT_EQ(json({evidence[Role::candidate].bad, evidence[Role::candidate].total,
                    evidence[Role::baseline].bad, evidence[Role::baseline].total}),
              vector.at("evidence"));
    EXPECT_NEAR(blocks.excess(), number(vector.at("excess")), 1e-12);
    EXPECT_EQ(blocks.bad_blocks(), vector.at("bad_blocks").get<std::uint32_t>());
    EXPECT_EQ(decision(blocks, vector), vector.at("decision"));
  }
}

TEST(ComparisonVectors, SingleVotesMoveWealthAndWeightsAsComputed) {
  const json vectors = vectors_of("vote");
  ASSERT_EQ(vectors.size(), 6U);
  for (const json& vector : vectors) {
    ShareBet bet(vector.at("rho"));
    bet.vote({.share = Vote::Share{.seen = number(vector.at("S")),
                                   .allowed = number(vector.at("theta"))},
              .difference = number(vector.at("D"))});
    EXPECT_NEAR(bet.log_wealth(), number(vector.at("log_e")), 1e-12);
    for (std::size_t i = 0; i < ShareBet::kExperts; ++i)
      EXPECT_NEAR(bet.weights()[i], number(vector.at("weights").at(i)), 1e-12);
  }
}

TEST(ComparisonVectors, WealthsMixWithoutOverflow) {
  const json vectors = vectors_of("combine");
  ASSERT_EQ(vectors.size(), 7U);
  for (const json& vector : vectors) {
    std::vector<WeightedWealth> parts;
    for (std::size_t i = 0; i < vector.at("weights").size(); ++i)
      parts.push_back({.log_wealth = number(vector.at("log_e").at(i)),
                       .weight = fraction(vector.at("weights").at(i))});
    const double log_odds = log_mixture(parts);
    EXPECT_NEAR(log_odds, number(vector.at("log_M")), 1e-12);
    EXPECT_EQ(log_odds >= std::log(100), vector.at("crosses_0_01").get<bool>());
    EXPECT_EQ(log_odds >= std::log(20), vector.at("crosses_0_05").get<bool>());
  }
}

TEST(ComparisonVectors, IntervalsOfARateAreWhatWasComputed) {
  const json vectors = vectors_of("rate_ci");
  ASSERT_EQ(vectors.size(), 8U);
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector.dump());
    const RateInterval interval = rate_interval(vector.at("k"), vector.at("n"), vector.at("alpha"));
    const double low = number(vector.at("lo"));
    const double high = number(vector.at("hi"));
    EXPECT_NEAR(interval.low, low, 1e-9 * low);
    EXPECT_NEAR(interval.high, high, 1e-9 * high);
  }
}

}  // namespace
}  // namespace belay::rules
