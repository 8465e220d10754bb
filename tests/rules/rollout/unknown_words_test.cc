// Goal: whoever gets "unknown" reads why, and of which source. Method: a gate that the default
// judgement alone decides, of which one thing is not known in the end.

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Why a gate of 40 s is unknown in whose second half there is this trouble.
std::string why_unknown(const std::function<void(EngineRig&)>& trouble) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now(), 40s));
  rig.run(20s);
  trouble(rig);
  rig.run(22s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::unknown);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive);
  return rollout(rig).why;
}

void end_traffic(EngineRig& rig) {
  rig.stream("v1", 0);
  rig.stream("v2", 0);
}

TEST(UnknownWords, NameASourceThatIsSilent) {
  const std::string why = why_unknown([](EngineRig& rig) {
    end_traffic(rig);
    rig.set_alive(EngineRig::kTail, false);
  });
  EXPECT_THAT(why, StartsWith("source tail has been silent for 20s: nobody knows what"));
}

TEST(UnknownWords, SayWhatASourceSaysOfItself) {
  const auto said = [](SourceHealth health) {
    return why_unknown([health](EngineRig& rig) {
      rig.set_alive(EngineRig::kTail, false);
      rig.push(SourceState{
          .source = EngineRig::kTail, .at = rig.now(), .health = health, .detail = "its detail"});
    });
  };
  EXPECT_THAT(said(SourceHealth::down), StartsWith("source tail is down: its detail: nobody"));
  EXPECT_THAT(said(SourceHealth::refused), StartsWith("source tail is refused: its detail: "));
  EXPECT_THAT(said(SourceHealth::sampled),
              StartsWith("source tail gives only some of its events: its detail: "));
}

TEST(UnknownWords, SayThatEventsComeTooLate) {
  const std::string why = why_unknown([](EngineRig& rig) {
    for (int i = 0; i < 200; ++i) rig.push(rig.request({.version = "v2"}, rig.now() - 15s));
  });
  EXPECT_THAT(why, StartsWith("source tail: 200 of "));
  EXPECT_THAT(why, HasSubstr(" events of the last minute came more than 5s late, and are not "
                             "counted (`lateness`): nobody knows"));
}

TEST(UnknownWords, SayThatAClockIsWrong) {
  const std::string why = why_unknown([](EngineRig& rig) {
    end_traffic(rig);
    for (int i = 0; i < 500; ++i) rig.push(rig.request({.version = "v2"}, rig.now() + 10min));
  });
  EXPECT_THAT(why, StartsWith("source tail: its events are ahead of this machine's clock by 10m"));
}

TEST(UnknownWords, SayWhatTheLogsNameInsteadOfTheCandidate) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("nameless", 10);
  rig.push(gate(rig.now(), 40s));
  rig.run(42s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::unknown);
  EXPECT_EQ(rollout(rig).why,
            "no request of v2 was seen in this step; those of the last 10m are of no version "
            "(400), v1 (1600)");
}

TEST(UnknownWords, SayOfAProbeThatItIsNotAsked) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now(), 40s));
  rig.set_alive(EngineRig::kProbe, false);
  rig.run(42s);
  EXPECT_THAT(rollout(rig).why, HasSubstr("probe healthz has"));
}

}  // namespace
}  // namespace belay::rules
