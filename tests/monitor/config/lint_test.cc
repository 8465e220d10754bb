#include "monitor/config/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/language/parser.h"

namespace belay::monitor {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A service "shop" with a log "tail", a probe "healthz" and the queues "emails".
class LintTest : public testing::Test {
 protected:
  LintTest() {
    config_.plan.services.push_back({.name = "shop"});
    add("tail", LogConfig{}, rules::SourceKind::log);
    add("healthz", ProbeConfig{}, rules::SourceKind::probe);
    QueuesConfig queues;
    queues.names = {"emails"};
    add("queues", queues, rules::SourceKind::queue);
  }

  template <typename Kind>
  void add(const std::string& name, Kind of, rules::SourceKind kind) {
    config_.sources.push_back({name, "shop", std::move(of)});
    config_.plan.sources.push_back({.name = name, .kind = kind, .service = "shop"});
  }

  /// Those that say so.
  std::vector<std::string> lint_of(const std::string& sentence, const std::string& said) {
    lint_of(sentence);
    std::vector<std::string> found;
    for (const Lint& one : lint(config_))
      if (one.message.find(said) != std::string::npos) found.push_back(one.message);
    return found;
  }

  std::vector<std::string> lint_of(const std::string& sentence) {
    const auto parsed = rules::parse_sentence(sentence);
    EXPECT_TRUE(parsed.sentence) << sentence;
    config_.plan.services[0].rules = {
        {.name = "a-rule", .sentence = *parsed.sentence, .then = then_}};
    std::vector<std::string> messages;
    for (const Lint& found : lint(config_)) {
      if (found.message.find("polling") != std::string::npos) continue;
      if (found.message.find("`compare: true`") != std::string::npos) continue;
      messages.push_back((found.is_error ? "error: " : "") + found.message);
    }
    return messages;
  }

  Config config_;
  rules::Then then_;
};

TEST_F(LintTest, RulesWhoseEvidenceExistsAreFine) {
  for (const char* sentence : {"5xx rate > 5% over 1m, min 50 requests, for 30s",
                               "probe healthz fails 3 of 5", "queue \"emails\" depth > 1000",
                               "queue ~\"em.*\" waiting > 5", "no data from tail for 60s"}) {
    EXPECT_THAT(lint_of(sentence), IsEmpty()) << sentence;
  }
}

TEST_F(LintTest, ARuleThatFiresWhileAllIsWellIsTold) {
  for (const char* sentence : {"5xx rate < 5% over 1m", "candidate error rate <= 1% over 30s"})
    EXPECT_THAT(lint_of(sentence), Contains(HasSubstr("rule a-rule fires while there are *few* "
                                                      "errors, a healthy service too")))
        << sentence;
  for (const char* sentence :
       {"5xx rate > 5% over 1m", "p95 latency < 5ms over 1m", "4xx rate < 1% over 1m",
        "error rate > 5% over 1m and 5xx rate < 9% over 1m"})
    EXPECT_THAT(lint_of(sentence), Not(Contains(HasSubstr("*few* errors")))) << sentence;
}

TEST_F(LintTest, AProbeThatNoRuleLooksAtIsTold) {
  const char* const unread = "looks at probe healthz: a version passes while it fails";
  then_.kind = rules::Then::Kind::alert;
  EXPECT_THAT(lint_of("5xx rate > 5% over 1m", unread), IsEmpty()) << "no rule counts at all";
  then_.kind = rules::Then::Kind::rollback;
  EXPECT_THAT(lint_of("5xx rate > 5% over 1m", unread), testing::SizeIs(1));
  EXPECT_THAT(lint_of("probe healthz fails 3 of 5", unread), IsEmpty());
  config_.plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_THAT(lint_of("5xx rate > 5% over 1m", unread), IsEmpty());
}

TEST_F(LintTest, AWindowThatIsShorterThanItsEventsAreLateSeesNothing) {
  config_.plan.sources[0].lateness = std::chrono::seconds{40};
  EXPECT_THAT(lint_of("error rate > 5% over 10s, min 20 requests, for 5s"),
              Contains(testing::AllOf(
                  HasSubstr("a-rule looks back 10s, and events of tail may come 40s late"),
                  HasSubstr("(`over 50s`)"))));
  EXPECT_THAT(lint_of("error rate > 5% over 1m, min 20 requests"), IsEmpty());
  EXPECT_THAT(lint_of("probe healthz p95 latency > 500ms over 10s"), IsEmpty());
}

TEST_F(LintTest, RulesThatCompareVersionsAreFine) {
  for (const char* sentence :
       {"candidate error rate worse than baseline by 25%, confidence 99%",
        "candidate error rate worse than baseline by 0.5 points, confidence 99%",
        "candidate latency worse than baseline by 10%, confidence 99%",
        "candidate worse than baseline, confidence 99%"}) {
    EXPECT_THAT(lint_of(sentence), IsEmpty()) << sentence;
  }
}

TEST_F(LintTest, ARuleWithoutItsProbeQueueOrSourceCanNeverFire) {
  EXPECT_THAT(
      lint_of("probe health fails 3 of 5"),
      Contains("rule a-rule can never fire: there is no probe health; did you mean healthz?"));
  EXPECT_THAT(lint_of("queue \"mails\" depth > 5"),
              Contains(HasSubstr("no queue mails is polled")));
  EXPECT_THAT(lint_of("no data from tial for 60s"), Contains(HasSubstr("did you mean tail?")));
  EXPECT_THAT(lint_of("prometheus cpu_seconds > 0.8"), Contains(HasSubstr("Prometheus")));
}

TEST_F(LintTest, AShareOverAFilteredTailIsAnErrorAndARateIsNot) {
  config_.plan.sources[0].reports_all = false;
  EXPECT_THAT(lint_of("5xx rate > 5% over 1m, min 50 requests"),
              Contains(HasSubstr("error: rule a-rule needs every request")));
  EXPECT_THAT(lint_of("p95 latency > 250ms over 1m, min 50 requests"),
              Contains(HasSubstr("error: ")));
  EXPECT_THAT(lint_of("candidate worse than baseline, confidence 99%"),
              Contains(HasSubstr("error: rule a-rule needs every request")));
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
  config_.plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("error: the default judgement needs every request")));
}

TEST_F(LintTest, RulesThatSeeErrorsOnlyBesideABaselineAreNamed) {
  then_.kind = rules::Then::Kind::rollback;
  const std::string said = "while it has no traffic";
  const char* const worse =
      "candidate error rate > baseline error rate + 2 points over 1m, min 50 requests";
  EXPECT_THAT(lint_of(worse, said), testing::SizeIs(1));
  EXPECT_THAT(lint_of("error rate > 5% over 1m, min 50 requests", said), IsEmpty());
  config_.plan.services[0].rollout.is_driving = true;
  EXPECT_THAT(lint_of(worse, said), IsEmpty()) << "a baseline is kept beside it";
}

TEST_F(LintTest, RulesOfOnesOwnThatDoNotLookAtErrorsAreNamed) {
  const auto about_errors = [&](const std::string& sentence, rules::Then::Kind then) {
    then_.kind = then;
    std::vector<std::string> found = lint_of(sentence, "looks at errors");
    for (std::string& one : lint_of(sentence, "no rule counts")) found.push_back(std::move(one));
    return found;
  };
  using Kind = rules::Then::Kind;
  const char* const latency = "p95 latency > 250ms over 1m, min 50 requests";
  EXPECT_THAT(about_errors(latency, Kind::rollback),
              Contains(HasSubstr("no rule that counts for a rollout's verdict looks at errors")));
  EXPECT_THAT(about_errors("5xx rate > 5% over 1m, min 50 requests", Kind::alert),
              Contains(HasSubstr("no rule counts for a rollout's verdict")));
  for (const char* sentence :
       {"5xx rate > 5% over 1m, min 50 requests", "503 rate > 5% over 1m, min 50 requests",
        "error rate > 5% over 1m, min 50 requests", "exceptions rate > 1/s over 1m",
        "candidate worse than baseline, confidence 99%"})
    EXPECT_THAT(about_errors(sentence, Kind::rollback), IsEmpty()) << sentence;
  for (const char* sentence :
       {"4xx rate > 5% over 1m, min 50 requests", "429 rate > 5% over 1m, min 50 requests",
        "candidate latency worse than baseline by 10%, confidence 99%"})
    EXPECT_THAT(about_errors(sentence, Kind::rollback), testing::SizeIs(1)) << sentence;
  config_.plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_THAT(about_errors(latency, Kind::rollback), IsEmpty());
}

TEST_F(LintTest, ACalendarThatHoldsNothingIsNamed) {
  rules::RolloutPlan& rollout = config_.plan.services[0].rollout;
  rollout.freezes = {{}};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("`windows` and `freezes` hold only traffic that Belay moves")));
  rollout.is_driving = true;
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
}

TEST_F(LintTest, ARequirementThatCanNeverBeMetIsNamed) {
  config_.plan.services.push_back({.name = "stage", .environment = "staging"});
  config_.sources.push_back({"stage-tail", "stage", LogConfig{}});
  config_.plan.sources.push_back(
      {.name = "stage-tail", .kind = rules::SourceKind::log, .service = "stage"});
  rules::RolloutPlan& rollout = config_.plan.services[0].rollout;
  rollout.requirements = {{.environment = "staging"}};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
  rollout.requirements[0].environment = "stagging";
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("no other service has `environment: stagging`; did you mean "
                                 "staging?")));
  rollout.requirements = {{.environment = "staging", .is_same_commit = true}};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
  rollout.is_attached_by_itself = true;
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), Contains(HasSubstr("names none")));
}

TEST_F(LintTest, AServiceWithoutEvidenceStaysUnknown) {
  config_.sources.clear();
  config_.plan.sources.clear();
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("no logs, probes or queues: it will stay unknown")));
}

TEST_F(LintTest, AWatchThatIsShorterThanTheWindowOfTheRuleThatActsIsNamed) {
  config_.plan.services[0].verify_for = std::chrono::seconds{20};
  EXPECT_THAT(lint_of("error rate > 5% over 1m, min 100 requests"), IsEmpty()) << "it only alerts";
  then_ = {.kind = rules::Then::Kind::rollback};
  EXPECT_THAT(lint_of("error rate > 5% over 1m, min 100 requests"),
              Contains(HasSubstr("`verify for` is 20s, and rule a-rule looks back 1m")));
  EXPECT_THAT(lint_of("error rate > 5% over 20s, min 100 requests"), IsEmpty());
  config_.plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_THAT(lint_of("error rate > 5% over 20s, min 100 requests"),
              Contains(HasSubstr("the default judgement looks back 1m")));
}

TEST_F(LintTest, AProbeThatBlamesNobodyIsNamed) {
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty()) << "nothing is judged by default";
  config_.plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("the answers of probe healthz name no version")));
  std::get<ProbeConfig>(config_.sources[1].of).version_headers = {{"X-Version", "{version}"}};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
  std::get<ProbeConfig>(config_.sources[1].of) = {.version_path = "version"};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), Contains(HasSubstr("name no version")))
      << "the field is read where a version was asked";
}

TEST_F(LintTest, AProbeThatIsAskedTooSeldomForAStepIsNamed) {
  rules::RolloutPlan& rollout = config_.plan.services[0].rollout;
  ProbeConfig& probe = std::get<ProbeConfig>(config_.sources[1].of);
  probe.version_headers = {{"X-Version", "{version}"}};
  probe.every = std::chrono::minutes{2};
  rollout.is_judged_by_default = true;
  rollout.steps = *rules::parse_steps("10% for 3m, 50% for 2m, 100%");
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
  rollout.steps = *rules::parse_steps("10% for 3m, 50% for 90s, 100%");
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("probe healthz is asked every 2m, and a step bakes for 1m30s")));
}

TEST_F(LintTest, AStepThatIsPagedBeforeItCanPassIsNamed) {
  rules::RolloutPlan& rollout = config_.plan.services[0].rollout;
  std::get<ProbeConfig>(config_.sources[1].of).version_headers = {{"X-Version", "{version}"}};
  rollout.warm_up = std::chrono::seconds{30};
  rollout.steps = *rules::parse_steps("10% for 90s, 50% for 10s, 100%");
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty()) << "nothing is judged by default";
  rollout.is_judged_by_default = true;
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("a step's hard maximum is 30s, and it can pass after 40s")));
  rollout.steps = *rules::parse_steps("10% for 15s, 100%");
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
}

TEST_F(LintTest, ARungThatIsNeverReachedIsNamed) {
  const rules::Then rollback{.kind = rules::Then::Kind::rollback};
  const rules::Then drain{.kind = rules::Then::Kind::run, .name = "drain"};
  config_.plan.services[0].on_fail = {drain, drain, drain, drain, rollback};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty()) << "no cap stops a ladder halfway";
  config_.plan.services[0].on_fail = {rollback, drain, rollback};
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"),
              Contains(HasSubstr("`on fail` says rollback more than once")));
}

TEST_F(LintTest, StepsThatEndBelowAllOfTheTrafficAreNamedWhereBelayMovesIt) {
  rules::RolloutPlan& rollout = config_.plan.services[0].rollout;
  rollout.steps = *rules::parse_steps("10% for 90s");
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty()) << "somebody else moves it";
  rollout.is_driving = true;
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), Contains(HasSubstr("`steps` end at 10%")));
  rollout.steps = *rules::parse_steps("10% for 90s, 100%");
  EXPECT_THAT(lint_of("5xx rate > 5/s over 1m"), IsEmpty());
}

}  // namespace
}  // namespace belay::monitor
