#include "monitor/sources/probe_check.h"

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using rules::ProbeFailure;

ProbeFailure failure_of(int status, const std::string& body, const ProbeExpectation& expectation) {
  return check_answer({.status = status, .body = body}, expectation).failure;
}

TEST(ProbeCheckTest, WithoutAStatusAnyOfThe200sWillDo) {
  EXPECT_EQ(failure_of(200, "", {}), ProbeFailure::none);
  EXPECT_EQ(failure_of(299, "", {}), ProbeFailure::none);
  EXPECT_EQ(failure_of(302, "", {}), ProbeFailure::status);
  EXPECT_EQ(failure_of(503, "", {}), ProbeFailure::status);
}

TEST(ProbeCheckTest, GivenStatusesAreTakenLiterally) {
  EXPECT_EQ(failure_of(401, "", {.statuses = {200, 401}}), ProbeFailure::none);
  EXPECT_EQ(failure_of(204, "", {.statuses = {200, 401}}), ProbeFailure::status);
}

TEST(ProbeCheckTest, TheBodyMustContainTheText) {
  EXPECT_EQ(failure_of(200, "all is well", {.body_contains = "well"}), ProbeFailure::none);
  EXPECT_EQ(failure_of(200, "all is ill", {.body_contains = "well"}), ProbeFailure::body);
}

TEST(ProbeCheckTest, AJsonFieldMustHaveItsValue) {
  const std::string body = R"({"status":"ok","db":{"up":true},"shards":[{"lag":3}]})";
  EXPECT_EQ(failure_of(200, body, {.json_path = "status", .json_equals = "ok"}),
            ProbeFailure::none);
  EXPECT_EQ(failure_of(200, body, {.json_path = "db.up", .json_equals = "true"}),
            ProbeFailure::none);
  EXPECT_EQ(failure_of(200, body, {.json_path = "shards.0.lag", .json_equals = "3"}),
            ProbeFailure::none);
  EXPECT_EQ(failure_of(200, body, {.json_path = "status", .json_equals = "up"}),
            ProbeFailure::body);
  for (const char* path : {"none", "db", "shards.1.lag", "shards.x", "status.ok", "."}) {
    EXPECT_EQ(failure_of(200, body, {.json_path = path, .json_equals = ""}), ProbeFailure::body)
        << path;
  }
}

TEST(ProbeCheckTest, WhatIsNotJsonHasNoField) {
  for (const char* body : {"", "<html>", "{\"status\":\"ok\"", "\xff\xfe"}) {
    EXPECT_EQ(failure_of(200, body, {.json_path = "status", .json_equals = "ok"}),
              ProbeFailure::body);
  }
}

TEST(ProbeCheckTest, ABodyThatWasCutIsNotTrustedAsJson) {
  EXPECT_EQ(check_answer({.status = 200, .body = R"({"status":"ok"})", .truncated = true},
                         {.json_path = "status", .json_equals = "ok"})
                .failure,
            ProbeFailure::body);
}

TEST(ProbeCheckTest, DeepNestingDoesNoHarm) {
  const std::string deep = std::string(60'000, '[') + std::string(60'000, ']');
  EXPECT_EQ(failure_of(200, deep, {.json_path = "0.0", .json_equals = "x"}), ProbeFailure::body);
}

TEST(ProbeCheckTest, HostileTextIsHarmlessInTheDetail) {
  const ProbeFinding finding = check_answer({.status = 200, .body = R"({"status":"\u001b[31m"})"},
                                            {.json_path = "status", .json_equals = "ok"});
  EXPECT_EQ(finding.detail, R"(status is "\x1B[31m", not "ok")");
}

TEST(ProbeCheckTest, FaultsAreToldApart) {
  using Kind = net::HttpFault::Kind;
  const auto failure = [](Kind kind) { return check_fault({.kind = kind}).failure; };
  EXPECT_EQ(failure(Kind::dns), ProbeFailure::dns);
  EXPECT_EQ(failure(Kind::refused), ProbeFailure::refused);
  EXPECT_EQ(failure(Kind::tls), ProbeFailure::tls);
  EXPECT_EQ(failure(Kind::timeout), ProbeFailure::timeout);
  EXPECT_EQ(failure(Kind::protocol), ProbeFailure::other);
}

}  // namespace
}  // namespace belay::monitor
