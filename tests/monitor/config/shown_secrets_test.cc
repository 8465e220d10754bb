#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/config/config_text.h"

namespace belay::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;

/// All that is shown of a configuration's faults.
std::string shown(const std::string& text) {
  std::string all;
  for (const rules::Located& fault : test::read(text).faults) all += render(fault);
  return all;
}

/// Where a secret may stand in the file itself, beside a fault that quotes its line.
constexpr const char* kWithCanaries[] = {
    "services: { a: { probes: { p: { url: 'http://me:canary@h/?t=canary', evry: 1s } } } }\n",
    "services: { a: { probes: { p: { url: 'ftp://me:canary@h/' } } } }\n",
    "services: { a: { probes: { p: { url: 'http://h/', headers: { X-It: canary }, evry: 1s } } } "
    "}\n",
    "services: { a: { probes: { p: { url: 'http://h/', version headers: { X: canary }, evry: 1s } "
    "} "
    "} }\n",
    "services: { a: { probes: { p: { url: 'http://h/', body: canary, evry: 1s } } } }\n",
    "services: { a: { commands: { c: { argv: [mend, --with, canary], env: { A: canary }, evry: 1 } "
    "} "
    "} }\n",
    "services: { a: { logs: { exec: [tail, --it, canary], formt: x } } }\n",
    "services: { a: {} }\nnotify: { page: [{ pagerduty: { it: canary } }] }\n",
    "services: { a: { queues: { redis: { url: 'redis://:canary${HOST}', names: [a] } } } }\n",
    "services: { a: { queues: { redis: { url: 'redis://:${NONE:-canary}@h', nmes: [a] } } } }\n",
    "services: { a: { queues: { redis: { url: 'redis://:${can ary}canary@h', nmes: [a] } } } }\n",
    "services: { a: {} }\nplatforms: { fly: { token: canary, org: canary } }\n",
    "services: { a: {} }\nplatforms: { cloudflare: { pasword: canary } }\n",
    "services: { a: {} }\napi: { tokens: [{ name: ci, token: canary, scope: [stear] }] }\n",
};

TEST(ShownSecretsTest, NoFaultShowsASecretThatStandsInTheFile) {
  for (const char* text : kWithCanaries) {
    const std::string all = shown(text);
    EXPECT_THAT(all, HasSubstr("error: ")) << text;
    EXPECT_THAT(all, Not(HasSubstr("canary"))) << text;
    EXPECT_THAT(all, Not(HasSubstr("can ary"))) << text;
  }
}

TEST(ShownSecretsTest, WhatIsNoSecretIsShown) {
  const std::string all = shown(
      "services: { a: { probes: { p: { url: 'http://h/health', headers: { X: \"${TOKEN}\" }, "
      "evry: 1s } } } }\n");
  EXPECT_THAT(all, HasSubstr("url: 'http://h/health', headers: { X: \"${TOKEN}\" }, evry: 1s"));
}

}  // namespace
}  // namespace belay::monitor
