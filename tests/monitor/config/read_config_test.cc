#include "monitor/config/read_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/config/config_text.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::faults_of;
using test::good;
using test::read;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ReadConfigTest, EverythingHasADefaultButTheServices) {
  const Config config = good("services:\n  shop:\n    logs: { file: shop.log }\n");
  EXPECT_EQ(config.metrics, "127.0.0.1:9090");
  EXPECT_EQ(config.state, "/etc/belay/belay-state");
  EXPECT_FALSE(config.ingest);
  ASSERT_EQ(config.plan.services.size(), 1U);
  const rules::ServicePlan& shop = config.plan.services[0];
  EXPECT_EQ(shop.mode, rules::Mode::recommend);
  EXPECT_EQ(shop.cooldown, 10min);
  EXPECT_EQ(shop.verify_for, 5min);
  ASSERT_EQ(shop.on_fail.size(), 1U);
  EXPECT_EQ(shop.on_fail[0].kind, rules::Then::Kind::rollback);
  EXPECT_TRUE(shop.rollout_rules.empty());
  EXPECT_TRUE(shop.rollout.is_judged_by_default) << "who wrote no rules has the default judgement";
  ASSERT_EQ(config.sources.size(), 1U);
  EXPECT_EQ(config.sources[0].name, "tail");
  const auto& log = std::get<LogConfig>(config.sources[0].of);
  EXPECT_EQ(std::get<FileInput>(log.input).path, "/etc/belay/shop.log");
}

TEST(ReadConfigTest, NoNameMeansTwoServices) {
  const auto faults = [](const std::string& of_till) {
    return faults_of(read("services: { shop: { aliases: [market], logs: { stdin: {} } }, till: { " +
                          of_till + " logs: { file: l } } }"));
  };
  EXPECT_THAT(faults("aliases: [market],"), Contains(HasSubstr("market means shop and till")));
  EXPECT_THAT(faults("aliases: [shop],"), Contains(HasSubstr("shop means shop and till")));
  EXPECT_THAT(faults("platform: { fly: { app: market } },"),
              Contains(HasSubstr("market means shop and till")));
  EXPECT_THAT(faults("aliases: [desk],"), Not(Contains(HasSubstr("means"))));
}

TEST(ReadConfigTest, ARuleIsForTheServicesThatItNamesByAnyOfTheirNames) {
  const test::TemporaryDirectory place;
  const auto read_with = [&](const std::string& service) {
    place.write("r.yaml",
                "rules: [ { name: errors, when: \"5xx rate > 5% over 1m\", then: rollback, "
                "services: [" +
                    service + "] } ]\n");
    place.write("belay.yaml",
                "services: { shop: { aliases: [shop-prod], logs: { file: l }, "
                "rollout: { rules: [r.yaml] } } }\n");
    return read_config((place.path() / "belay.yaml").string(), {});
  };
  for (const char* name : {"shop", "shop-prod"}) {
    const ReadConfig read = read_with(name);
    ASSERT_TRUE(read.config) << testing::PrintToString(faults_of(read));
    EXPECT_EQ(read.config->plan.services[0].rollout_rules.size(), 1U) << name;
    EXPECT_THAT(faults_of(read), Not(Contains(HasSubstr("is called so")))) << name;
  }
  for (const char* name : {"shpo", "Shop"}) {
    const ReadConfig read = read_with(name);
    ASSERT_TRUE(read.config);
    EXPECT_THAT(faults_of(read),
                Contains(HasSubstr(std::string("r.yaml: rule errors is for ") + name +
                                   ", and no service is called so: it is not judged for it; did "
                                   "you mean shop?")));
    EXPECT_THAT(faults_of(read), Contains(HasSubstr("no rule counts for a rollout's verdict")));
  }
}

TEST(ReadConfigTest, AServiceMayDifferFromTheDefaults) {
  const Config config = good(R"(
mode: observe
metrics: off
services:
  shop:
    mode: recommend
    aliases: [shop-production]
    logs: { exec: [wrangler, tail, shop, --format, json], format: cloudflare, lateness: 10s, name: live }
    rollout: { cooldown: 1h, actions per hour: 1, verify for: 2m, on fail: [run drain, rollback] }
commands:
  drain: { argv: [./drain, "--key=${TOKEN}"], verify: [./drained], timeout: 5s, env: { A: b } }
)");
  EXPECT_EQ(config.metrics, "");
  const rules::ServicePlan& shop = config.plan.services.at(0);
  EXPECT_EQ(shop.mode, rules::Mode::recommend);
  EXPECT_EQ(shop.cooldown, 1h);
  EXPECT_EQ(shop.actions_per_hour_max, 1U);
  EXPECT_EQ(shop.verify_for, 2min);
  EXPECT_EQ(shop.on_fail.size(), 2U);
  EXPECT_THAT(shop.aliases, ElementsAre("shop-production"));
  EXPECT_EQ(config.plan.sources.at(0).name, "live");
  EXPECT_EQ(config.plan.sources.at(0).lateness, 10s);
  ASSERT_EQ(config.commands.size(), 1U);
  EXPECT_THAT(config.commands[0].of.argv, ElementsAre("/etc/belay/drain", "--key=t0ken"));
  EXPECT_THAT(config.commands[0].of.argv_written, ElementsAre("./drain", "--key=${TOKEN}"));
  EXPECT_EQ(config.commands[0].of.timeout, 5s);
}

TEST(ReadConfigTest, ProbesQueuesFlagsAndWorkersAreTyped) {
  const Config config = good(R"(
platforms: { cloudflare: { account: abc, token: "${TOKEN}" } }
services:
  gateway:
    platform: { cloudflare: { script: mauntic-gateway } }
    logs: { stdin: {} }
    probes:
      healthz:
        url: "https://example.test/healthz"
        every: 2s
        timeout: 500ms
        headers: { accept: application/json }
        version headers: { x-version: "{version}" }
        expect: { status: [200, 204], json: { status: ok }, body: fine }
    queues: { redis: { url: "${REDIS_URL}", names: [emails], every: 30s, prefix: jobs } }
flags:
  checkout-v2: { redis: { url: "${REDIS_URL}", key: flags, field: checkout, expect: on, safe: off } }
)");
  ASSERT_TRUE(config.cloudflare);
  EXPECT_EQ(config.cloudflare->token.reveal(), "t0ken");
  EXPECT_EQ(std::get<CloudflareScript>(config.services.at(0).platform).script, "mauntic-gateway");
  EXPECT_EQ(config.plan.services.at(0).put_back,
            "wrangler versions deploy {version}@100% -y --name mauntic-gateway");
  EXPECT_THAT(config.plan.services.at(0).aliases, ElementsAre("mauntic-gateway"));
  const auto& probe = std::get<ProbeConfig>(config.sources.at(1).of);
  EXPECT_EQ(probe.every, 2s);
  EXPECT_THAT(probe.statuses, ElementsAre(200, 204));
  EXPECT_EQ(probe.json_path, "status");
  EXPECT_EQ(probe.json_equals, "ok");
  EXPECT_EQ(probe.body_contains, "fine");
  EXPECT_EQ(config.plan.sources.at(1).interval, 2s);
  const auto& queues = std::get<QueuesConfig>(config.sources.at(2).of);
  EXPECT_EQ(queues.url.database, 2);
  EXPECT_EQ(queues.prefix, "jobs");
  EXPECT_EQ(config.flags.at(0).of.field, "checkout");
}

TEST(ReadConfigTest, AServiceHasFlagsAndCommandsOfItsOwn) {
  const Config config = good(R"(
services:
  shop:
    logs: { file: a.log }
    flags: { beta: { redis: { url: "${REDIS_URL}", key: shop-beta, expect: on, safe: off } } }
    commands: { drain: { argv: [./drain], verify: [./drained] } }
    rollout: { on fail: [reset flag beta, run drain] }
)");
  EXPECT_EQ(config.flags.at(0).service, "shop");
  EXPECT_EQ(config.flags.at(0).name, "beta");
  EXPECT_EQ(config.commands.at(0).service, "shop");
  EXPECT_THAT(faults_of(read(R"(
services:
  shop:
    logs: { file: a.log }
    commands: { drain: { argv: [./drain], verify: [./drained] } }
  till: { logs: { file: b.log }, rollout: { on fail: [run drain] } }
)")),
              ElementsAre(HasSubstr("6: error: till runs drain, which is not under `commands`")));
}

TEST(ReadConfigTest, AProbeIsAimedAsItsPlatformWants) {
  const Config config = good(R"(
platforms: { cloudflare: { account: abc, token: "${TOKEN}" } }
services:
  gateway:
    platform: { cloudflare: { script: my-gateway } }
    probes: { up: { url: "https://x.test/", aim: cloudflare, version field: version } }
  jobs:
    platform: { fly: { app: my-jobs } }
    probes: { up: { url: "https://y.test/", aim: fly } }
)");
  using Pair = std::pair<std::string, std::string>;
  EXPECT_THAT(
      std::get<ProbeConfig>(config.sources.at(0).of).version_headers,
      ElementsAre(Pair("Cloudflare-Workers-Version-Overrides", "my-gateway=\"{version}\"")));
  EXPECT_THAT(std::get<ProbeConfig>(config.sources.at(1).of).version_headers,
              ElementsAre(Pair("fly-force-instance-id", "{version}")));
  EXPECT_THAT(config.plan.services.at(1).aliases, ElementsAre("my-jobs"));
}

TEST(ReadConfigTest, AnAimThatCannotWorkOrMayMissIsTold) {
  EXPECT_THAT(faults_of(read("services:\n  shop:\n    probes:\n      up: { url: \"http://x/\", "
                             "aim: cloudflare }\n")),
              ElementsAre(HasSubstr("4: error: only a Worker's versions are aimed at so")));
  const ReadConfig unverified = read(R"(
platforms: { cloudflare: { account: abc, token: "${TOKEN}" } }
services:
  gateway:
    platform: { cloudflare: { script: gateway } }
    probes: { up: { url: "https://x.test/", aim: cloudflare } }
)");
  EXPECT_TRUE(unverified.config);
  EXPECT_THAT(faults_of(unverified),
              ElementsAre(HasSubstr("6: warning: Cloudflare ignores the aim, without a word")));
}

TEST(ReadConfigTest, AFlyAppIsRolledBackByACommandOnly) {
  const std::string enforce =
      "mode: enforce\nnotify: { page: [ { slack: { webhook: \"${SLACK}\" } } ] }\n";
  EXPECT_THAT(faults_of(read(enforce + "services: { shop: { logs: { file: a }, platform: { fly: { "
                                       "app: shop } } } }\n")),
              ElementsAre(HasSubstr("no `platform` to do so")));
  good(enforce +
       "services: { shop: { logs: { file: a }, platform: { fly: { app: shop, rollback: "
       "[./deploy], verify: [./look] } } } }\n");
  EXPECT_THAT(faults_of(read("services: { shop: { logs: { file: a }, platform: { fly: { app: shop, "
                             "verify: [./look] } } } }\n")),
              ElementsAre(HasSubstr("there is no `rollback`")));
}

TEST(ReadConfigTest, TheAuditFileLiesBesideTheConfiguration) {
  EXPECT_EQ(
      good("services: { shop: { logs: { file: a } } }\nnotify: { audit: told.jsonl }\n").audit,
      "/etc/belay/told.jsonl");
}

TEST(ReadConfigTest, AllErrorsComeAtOnceWithTheirLines) {
  const ReadConfig wrong = read(R"(mode: enforced
servces: {}
services:
  shop:
    logs: { file: a.log, exec: [b] }
    probes:
      healthz: { url: "ftp://x", every: 1s, timeout: 5s }
    rollout: { cooldown: 10, on fail: [alert] }
)");
  EXPECT_FALSE(wrong.config);
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("1: error: ")));
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("2: error: ")));
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("5: error: logs come from exactly one")));
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("7: error: an address here starts with http")));
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("7: error: a probe must end before the next")));
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("8: error: ")));
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("8: error: `on fail` is a ladder of actions")));
}

TEST(ReadConfigTest, AKeyThatBelongsElsewhereSaysWhere) {
  const ReadConfig wrong = read("audit: a.log\nservices: { shop: { logs: { file: l } } }\n");
  ASSERT_EQ(wrong.faults.size(), 1U);
  EXPECT_EQ(wrong.faults[0].what.message, "\"audit\" is no key of the configuration");
  EXPECT_EQ(wrong.faults[0].what.suggestion, "notify: { audit: … }");
}

TEST(ReadConfigTest, EnforceWithoutAPageRouteIsRefused) {
  const std::string service = R"(
  shop:
    platform: { command: { rollback: [./deploy], verify: [./look] } }
    logs: { file: shop.log }
)";
  EXPECT_THAT(faults_of(read("mode: enforce\nservices:" + service)),
              ElementsAre(HasSubstr("nobody would be paged")));
  // A route is there: one fault is enough.
  EXPECT_THAT(faults_of(read("mode: enforce\nnotify: { page: [ { slack: { webhook: "
                             "\"${UNSET}\" } } ] }\nservices:" +
                             service)),
              ElementsAre(HasSubstr("UNSET is not set")));
  good("mode: enforce\nnotify: { page: [ { slack: { webhook: \"${SLACK}\" } } ] }\nservices:" +
       service);
}

TEST(ReadConfigTest, EnforceWithoutAPlatformToRollBackIsRefused) {
  EXPECT_THAT(
      faults_of(read("mode: enforce\nnotify: { page: [ { slack: { webhook: \"${SLACK}\" } } ] }\n"
                     "services: { shop: { logs: { file: a } } }\n")),
      ElementsAre(HasSubstr("no `platform`")));
}

TEST(ReadConfigTest, WhatIsNotBuiltIsRefusedAndSaysWhatWorksToday) {
  const std::vector<std::string> faults = faults_of(read(R"(
listen: 127.0.0.1:8080
platforms: { fly: { token: "${TOKEN}" } }
services:
  shop:
    logs: { cloudflare-tail: {} }
notify: { page: [ { pagerduty: { key: "${TOKEN}" } } ] }
)"));
  EXPECT_THAT(faults, Contains(HasSubstr("fly: { app: APP, rollback: [./deploy-fly]")));
  EXPECT_THAT(faults, Contains(HasSubstr("exec: [wrangler, tail, SCRIPT, --format, json]")));
  EXPECT_THAT(faults, Contains(HasSubstr("pagerduty is not told yet")));
}

TEST(ReadConfigTest, PushingOffLoopbackNeedsAToken) {
  const std::string services = "services: { shop: { logs: { push: {} } } }\n";
  EXPECT_THAT(faults_of(read(services)), ElementsAre(HasSubstr("nothing listens for them")));
  EXPECT_THAT(faults_of(read("ingest: 0.0.0.0:8081\n" + services)),
              ElementsAre(HasSubstr("needs a token")));
  EXPECT_THAT(
      faults_of(read("ingest: { listen: 0.0.0.0:8081, token: \"${NOT_SET_HERE}\" }\n" + services)),
      ElementsAre(HasSubstr("NOT_SET_HERE is not set")))
      << "and not that it lacks just that line";
  EXPECT_TRUE(good("ingest: 127.0.0.1:8081\n" + services).ingest->token.empty());
  EXPECT_TRUE(good("ingest: '[::1]:8081'\n" + services).ingest->token.empty());
  for (const char* address : {"localhost:8081", "127.evil.example:8081", "127.0.0.1:65536"}) {
    EXPECT_THAT(faults_of(read("ingest: " + std::string(address) + "\n" + services)),
                Contains(HasSubstr("1: error: an address to listen on is IP:PORT")));
  }
  const Config config =
      good("ingest: { listen: \"0.0.0.0:8081\", token: \"${TOKEN}\" }\n" + services);
  EXPECT_EQ(config.ingest->token.reveal(), "t0ken");
}

TEST(ReadConfigTest, OffLoopbackTheApiNeedsAToken) {
  const std::string services = "services: { shop: { logs: { file: a } } }\n";
  EXPECT_TRUE(good(services).api.is_default);
  EXPECT_EQ(good("listen: off\n" + services).api.address, "");
  EXPECT_EQ(good("listen: '[::1]:0'\n" + services).api.address, "[::1]:0");
  EXPECT_THAT(faults_of(read("listen: 0.0.0.0:8080\n" + services)),
              ElementsAre(HasSubstr("1: error: off loopback, the API needs a token")));
  const std::string pusher = "tokens: { push: { token: \"${LONG_TOKEN}\", scopes: [ingest] } }\n";
  EXPECT_THAT(faults_of(read("listen: 0.0.0.0:8080\n" + pusher + services)),
              ElementsAre(HasSubstr("off loopback, the API needs a token")));
  EXPECT_TRUE(good("ingest: 0.0.0.0:8081\n" + pusher + services).ingest->token.empty());
  const Config config = good(
      "listen: 0.0.0.0:8080\n"
      "tokens: { ci: { token: \"${LONG_TOKEN}\", scopes: [read, gate] } }\n" +
      services);
  ASSERT_EQ(config.tokens.size(), 1U);
  EXPECT_EQ(config.tokens[0].name, "ci");
  EXPECT_EQ(config.tokens[0].scopes, (std::vector{Scope::read, Scope::gate}));
}

TEST(ReadConfigTest, ATokenIsLongAndItsOwnAndGoodForSomething) {
  const std::string services = "services: { shop: { logs: { file: a } } }\n";
  EXPECT_THAT(
      faults_of(read("tokens: { ci: { token: \"${TOKEN}\", scopes: [gate] } }\n" + services)),
      ElementsAre(HasSubstr("at least 16 characters")));
  EXPECT_THAT(
      faults_of(read("tokens: { ci: { token: \"${LONG_TOKEN}\", scopes: [] } }\n" + services)),
      ElementsAre(HasSubstr("good for something")));
  EXPECT_THAT(
      faults_of(read("tokens: { a: { token: \"${LONG_TOKEN}\", scopes: [gate] }, b: { token: "
                     "\"${LONG_TOKEN}\", scopes: [read] } }\n" +
                     services)),
      ElementsAre(HasSubstr("another token has the same value")));
}

TEST(ReadConfigTest, ARuleThatAsksForAnUnknownFlagIsRefused) {
  EXPECT_THAT(faults_of(read("services:\n  shop:\n    logs: { file: a }\n"
                             "    rollout: { on fail: [reset flag checkout] }\n")),
              ElementsAre(HasSubstr("2: error: shop resets the flag checkout")));
}

TEST(ReadConfigTest, AMissingRuleFileIsAnError) {
  const ReadConfig missing =
      read("services: { shop: { logs: { file: a }, rules: [rules/none.yaml] } }\n");
  EXPECT_FALSE(missing.config);
  EXPECT_THAT(faults_of(missing), ElementsAre(HasSubstr("rules/none.yaml does not exist")));
  ASSERT_FALSE(missing.faults.empty());
  EXPECT_EQ(missing.faults[0].file, "/etc/belay/belay.yaml") << "where it is named";
  EXPECT_EQ(missing.faults[0].what.column, 48U);
}

TEST(ReadConfigTest, WorkersAreWatchedNoMoreOftenThanTheirTokenBears) {
  const std::string platform =
      "platforms: { cloudflare: { account: abc, token: \"${TOKEN}\" } }\nservices:\n";
  const auto workers = [](int count) {
    std::string services;
    for (int i = 0; i < count; ++i) {
      services += "  w" + std::to_string(i) + ": { platform: { cloudflare: { script: s" +
                  std::to_string(i) + " } } }\n";
    }
    return services;
  };
  const ReadConfig few = read(platform + workers(10));
  ASSERT_TRUE(few.config);
  ASSERT_EQ(few.config->plan.sources.size(), 10U);
  EXPECT_EQ(few.config->plan.sources[0].kind, rules::SourceKind::platform);
  EXPECT_EQ(few.config->plan.sources[0].interval, 10s);
  const ReadConfig many = read(platform + workers(100));
  ASSERT_TRUE(many.config);
  EXPECT_EQ(many.config->plan.sources[0].interval, 75s);
}

TEST(ReadConfigTest, PollingTellsWhatItCosts) {
  const ReadConfig config = read(
      "services: { jobs: { queues: { redis: { url: \"${REDIS_URL}\", names: [a, b], every: 10s } } "
      "} }\n");
  ASSERT_TRUE(config.config);
  EXPECT_THAT(faults_of(config), Contains(HasSubstr("Redis commands a day")));
}

TEST(ReadConfigTest, SecretsNeverShowInAFault) {
  const ReadConfig wrong = read(
      "services: { jobs: { queues: { redis: { url: \"http://:hunter2@x\", names: [a] } } } }\n");
  EXPECT_FALSE(wrong.config);
  for (const std::string& fault : faults_of(wrong)) EXPECT_THAT(fault, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace belay::monitor
