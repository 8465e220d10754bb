#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "tests/monitor/parse/parsed.h"

namespace belay::monitor {
namespace {

using rules::Invocation;
using test::Parsed;

Parsed parsed(const std::string& document, LogParserOptions options = {}) {
  Parsed result(std::move(options));
  result.all(document);
  EXPECT_TRUE(result.adds_up());
  EXPECT_EQ(result.parser.documents(), 1U);
  return result;
}

rules::Request only(const Parsed& result) {
  const auto requests = result.requests();
  EXPECT_EQ(requests.size(), 1U);
  return requests.empty() ? rules::Request{} : requests.front();
}

std::string why(const std::string& document, LogParserOptions options = {}) {
  const Parsed result = parsed(document, std::move(options));
  EXPECT_TRUE(result.events.empty());
  return result.parser.rejected().empty() ? "used" : result.parser.rejected().begin()->first;
}

std::string trace(const std::string& event, const std::string& more = "") {
  return R"({"wallTime":7,"cpuTime":2,"outcome":"ok","scriptVersion":{"id":"v2"},)"
         R"("scriptName":"api","exceptions":[],"logs":[],"eventTimestamp":1795181608838,)" +
         more + R"("event":)" + event + "}";
}

TEST(TraceTest, AFetchSaysAllItKnows) {
  const Parsed result = parsed(
      R"({"event":{"response":{"status":503},"request":{"headers":{"a":"cf-ray","cf-ray": "8f1-FRA"},)"
      R"("method":"GET","url":"https://x.test/users/123?q=1#f"}},"eventTimestamp":1795181608838,)"
      R"("exceptions":[{"name":"E","message":"{}"},{}],"scriptName":"api","cpuTime":2,)"
      R"("scriptVersion":{"tag":"t","id":"v2"},"outcome":"exception","wallTime":7})");
  const rules::Request request = only(result);
  EXPECT_EQ(result.text(request.service), "api");
  EXPECT_EQ(result.text(request.version), "v2");
  EXPECT_EQ(result.text(request.route), "/users/:id");
  EXPECT_EQ(result.text(request.method), "GET");
  EXPECT_EQ(result.text(request.outcome), "exception");
  EXPECT_EQ(request.status, 503);
  EXPECT_EQ(request.exceptions, 2);
  EXPECT_EQ(request.latency_us, 7000U);
  EXPECT_TRUE(request.latency_is_wall_time);
  EXPECT_EQ(request.cpu_us, 2000U);
  EXPECT_EQ(unix_ms(request.at), 1795181608838 + 7);
  EXPECT_NE(request.fingerprint, 0U);
}

TEST(TraceTest, TheSameTraceTwiceHasTheSameFingerprint) {
  const std::string with_ray =
      trace(R"({"request":{"url":"http://x/","method":"GET","headers":{"cf-ray":"1"}}})");
  const std::string other =
      trace(R"({"request":{"url":"http://x/","method":"GET","headers":{"cf-ray":"2"}}})");
  EXPECT_EQ(only(parsed(with_ray)).fingerprint, only(parsed(with_ray)).fingerprint);
  EXPECT_NE(only(parsed(with_ray)).fingerprint, only(parsed(other)).fingerprint);
  EXPECT_EQ(only(parsed(trace(R"({"request":{"headers":{"x":"\"cf-ray\":\"1\""}}})"))).fingerprint,
            0U);
}

TEST(TraceTest, TheEventTellsWhatItWas) {
  const auto kind = [](const std::string& event) { return only(parsed(trace(event))).invocation; };
  EXPECT_EQ(kind(R"({"request":{},"type":"overload"})"), Invocation::fetch);
  EXPECT_EQ(kind(R"({"cron":"* * * * *","scheduledTime":1})"), Invocation::cron);
  EXPECT_EQ(kind(R"({"queue":"q","batchSize":3})"), Invocation::queue);
  EXPECT_EQ(kind(R"({"mailFrom":"a","rcptTo":"b","rawSize":1})"), Invocation::email);
  EXPECT_EQ(kind(R"({"rpcMethod":"m"})"), Invocation::rpc);
  EXPECT_EQ(kind(R"({"getWebSocketEvent":{"webSocketEventType":"close"}})"), Invocation::other);
  EXPECT_EQ(kind(R"({"consumedEvents":[{"scriptName":null}]})"), Invocation::other);
  EXPECT_EQ(kind(R"({"scheduledTime":"2026-11-20T00:00:00Z"})"), Invocation::alarm);
  EXPECT_EQ(kind("{}"), Invocation::other);
  EXPECT_EQ(kind("null"), Invocation::other);
  EXPECT_EQ(kind(R"({"request":null,"queue":"q"})"), Invocation::queue);
}

TEST(TraceTest, NullsAreAbsent) {
  const Parsed result = parsed(
      R"({"wallTime":null,"cpuTime":null,"outcome":"ok","scriptVersion":null,"scriptName":null,)"
      R"("exceptions":null,"logs":null,"eventTimestamp":null,"event":{"request":{"url":null,)"
      R"("method":null,"headers":null},"response":{"status":null}}})");
  const rules::Request request = only(result);
  EXPECT_EQ(request.service, rules::kNoText);
  EXPECT_EQ(request.version, rules::kNoText);
  EXPECT_EQ(request.status, 0);
  EXPECT_EQ(request.at, test::kNow);
  EXPECT_FALSE(request.latency_us);
}

TEST(TraceTest, ZeroTimesCountOnceTheSourceHasMeasuredSomething) {
  const std::string zero =
      R"({"wallTime":0,"cpuTime":0,"outcome":"ok","eventTimestamp":1795181608838,"event":null})";
  const auto requests = Parsed().all(zero + "\n" + trace("null") + "\n" + zero + "\n").requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_FALSE(requests[0].latency_us);
  EXPECT_FALSE(requests[0].cpu_us);
  EXPECT_EQ(requests[1].latency_us, 7000U);
  EXPECT_EQ(requests[2].latency_us, 0U);
  EXPECT_EQ(requests[2].cpu_us, 0U);
}

TEST(TraceTest, AnInvocationOfHoursIsAsLongAsCanBeSaid) {
  const Parsed result =
      parsed(R"({"wallTime":18000000,"outcome":"ok","eventTimestamp":1795181608838,"event":null})");
  EXPECT_EQ(only(result).latency_us, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(unix_ms(only(result).at), 1795181608838 + 18'000'000);
}

TEST(TraceTest, NumbersThatCannotBeAreRejected) {
  for (const std::string at : {"-5", "1e300", "99999999999999999999999999", "\"soon\"", "true"}) {
    EXPECT_EQ(why(R"({"outcome":"ok","event":null,"eventTimestamp":)" + at + "}"), "bad_time")
        << at;
  }
  EXPECT_EQ(why(R"({"outcome":"ok","eventTimestamp":1795181608838,"wallTime":-1})"),
            "bad_duration");
  EXPECT_EQ(why(trace(R"({"request":{},"response":{"status":70000}})")), "bad_status");
}

TEST(TraceTest, WithoutAnOutcomeItIsNoEvidence) {
  EXPECT_EQ(why(R"({"eventTimestamp":1795181608838,"outcome":null,"event":{}})"), "no_outcome");
}

TEST(TraceTest, OfEqualKeysTheLastCounts) {
  const Parsed result = parsed(trace("null", R"("outcome":"exception",)"));
  EXPECT_EQ(result.text(only(result).outcome), "exception");
}

TEST(TraceTest, LatencyIsWhatTheConfiguredFieldNames) {
  const LogParserOptions named{.latency_field = "http.duration_ms"};
  const auto with_logs = [&](const std::string& logs) {
    return only(parsed(
        R"({"wallTime":7,"outcome":"ok","eventTimestamp":1795181608838,"logs":)" + logs + "}",
        named));
  };
  const rules::Request text = with_logs(
      R"([{"message":["hello"]},{"message":["x",1,"{\"http\":{\"duration_ms\":12.5}}"],"level":"log"}])");
  EXPECT_EQ(text.latency_us, 12500U);
  EXPECT_FALSE(text.latency_is_wall_time);
  EXPECT_EQ(with_logs(R"([{"message":[{"http":{"duration_ms":3}}]}])").latency_us, 3000U);
  EXPECT_FALSE(with_logs(R"([{"message":["{broken","{}"]},null,3])").latency_us);
  EXPECT_FALSE(with_logs("[]").latency_us);
}

std::vector<rules::Thrown> thrown(const Parsed& result) {
  std::vector<rules::Thrown> found;
  for (const auto& event : result.events) {
    if (const auto* one = std::get_if<rules::Thrown>(&event)) found.push_back(*one);
  }
  return found;
}

std::string with_exceptions(const std::string& exceptions, int at_ms = 0) {
  return R"({"wallTime":7,"cpuTime":2,"outcome":"exception","scriptVersion":{"id":"v2"},)"
         R"("scriptName":"api","exceptions":)" +
         exceptions + R"(,"logs":[],"eventTimestamp":)" + std::to_string(1795181608000 + at_ms) +
         R"(,"event":{"cron":"* * * * *"}})" + "\n";
}

TEST(TraceTest, WhatACallThrewTravelsBesideIt) {
  const Parsed result = parsed(with_exceptions(
      R"([{"name":"TypeError","message":"x is \"undefined\"\nat y","stack":"..."} , {"name":"E"}])"));
  ASSERT_EQ(thrown(result).size(), 1U) << "the first says most";
  const rules::Thrown one = thrown(result).front();
  EXPECT_EQ(one.what, "TypeError: x is \"undefined\"");
  EXPECT_EQ(result.text(one.version), "v2");
  EXPECT_EQ(result.text(one.service), "api");
  EXPECT_EQ(one.at, only(result).at);
  for (const char* nothing : {"[]", "[{}]", "[1]", "null", R"([{"name":1,"message":null}])"})
    EXPECT_TRUE(thrown(parsed(with_exceptions(nothing))).empty()) << nothing;
  EXPECT_EQ(thrown(parsed(with_exceptions(R"([{"message":"boom"}])"))).front().what, "boom");
}

TEST(TraceTest, HostileTextOfAnExceptionIsMadeHarmlessAndShort) {
  const Parsed result = parsed(
      with_exceptions(R"([{"name":"\u001b[31m","message":")" + std::string(5000, 'x') + R"("}])"));
  ASSERT_EQ(thrown(result).size(), 1U);
  const std::string what = thrown(result).front().what;
  EXPECT_EQ(what.find('\x1b'), std::string::npos);
  EXPECT_LE(what.size(), 170U);
}

TEST(TraceTest, AFloodOfExceptionsIsCutToAHundredASecond) {
  std::string log;
  for (int i = 0; i < 150; ++i) log += with_exceptions(R"([{"name":"E"}])", 1);
  for (int i = 0; i < 5; ++i) log += with_exceptions(R"([{"name":"E"}])", 2000);
  Parsed result;
  result.all(log);
  EXPECT_EQ(result.requests().size(), 155U);
  EXPECT_EQ(thrown(result).size(), 105U);
}

TEST(LogpushTest, ADatasetLineIsATrace) {
  const Parsed result = parsed(
      R"({"CPUTimeMs":3,"WallTimeMs":9,"EventTimestampMs":1795181608838,"EventType":"fetch",)"
      R"("Outcome":"ok","ScriptName":"api","ScriptVersion":{"ID":"v1"},"Exceptions":[{}],"Logs":[],)"
      R"("Event":{"RayID":"8f1","Request":{"URL":"https://x/a?b","Method":"POST"},"Response":{"Status":201}}})");
  const rules::Request request = only(result);
  EXPECT_EQ(result.text(request.service), "api");
  EXPECT_EQ(result.text(request.version), "v1");
  EXPECT_EQ(result.text(request.route), "/a");
  EXPECT_EQ(result.text(request.method), "POST");
  EXPECT_EQ(request.status, 201);
  EXPECT_EQ(request.latency_us, 9000U);
  EXPECT_EQ(request.exceptions, 1);
  EXPECT_NE(request.fingerprint, 0U);
}

TEST(LogpushTest, ItsKindIsNamed) {
  const auto kind = [](const std::string& type) {
    return only(parsed(R"({"EventTimestampMs":1795181608838,"Outcome":"ok","EventType":")" + type +
                       "\"}"))
        .invocation;
  };
  EXPECT_EQ(kind("fetch"), Invocation::fetch);
  EXPECT_EQ(kind("scheduled"), Invocation::cron);
  EXPECT_EQ(kind("alarm"), Invocation::alarm);
  EXPECT_EQ(kind("queue"), Invocation::queue);
  EXPECT_EQ(kind("email"), Invocation::email);
  EXPECT_EQ(kind("worker_rpc"), Invocation::rpc);
  EXPECT_EQ(kind("hibernatable_web_socket"), Invocation::other);
}

std::string fly(const std::string& message) {
  return R"({"event":{"provider":"app"},"fly":{"app":{"instance":"9080","name":"web"},"region":"fra"},)"
         R"("log":{"level":"info"},"message":)" +
         message + R"(,"timestamp":"2026-11-20T13:45:20.252022967Z"})";
}

TEST(FlyTest, AMessageWithAStatusIsAnEventOfTheApp) {
  const Parsed result =
      parsed(fly(R"("{\"status\":502,\"route\":\"/a\",\"version\":\"v3\",\"wall_ms\":4}")"));
  const rules::Request request = only(result);
  EXPECT_EQ(result.text(request.service), "web");
  EXPECT_EQ(result.text(request.version), "v3");
  EXPECT_EQ(request.status, 502);
  EXPECT_EQ(request.latency_us, 4000U);
  EXPECT_EQ(request.at.time_since_epoch().count() % 1'000'000'000, 252'022'967);
  EXPECT_NE(request.fingerprint, 0U);
}

TEST(FlyTest, TheEventsOwnNameAndTimeComeFirst) {
  const Parsed result =
      parsed(fly(R"("{\"ts\":1795181608838,\"service\":\"shop\",\"outcome\":\"error\"}")"));
  EXPECT_EQ(result.text(only(result).service), "shop");
  EXPECT_EQ(unix_ms(only(result).at), 1795181608838);
}

TEST(FlyTest, TheProxysHttpFieldsAreARequest) {
  const Parsed result = parsed(
      R"({"level":"error","instance":"9080","message":"m","region":"fra","timestamp":"2026-11-20T13:45:20Z",)"
      R"("meta":{"HTTP":{"Request":{"Method":"GET"},"Response":{"status_code":503}},"URL":{"Full":"https://x/a/1"}}})");
  EXPECT_EQ(only(result).status, 503);
  EXPECT_EQ(result.text(only(result).method), "GET");
  EXPECT_EQ(result.text(only(result).route), "/a/:id");
}

TEST(FlyTest, ACallThatGotNoAnswerIsAnError) {
  const Parsed result = parsed(fly(R"("{\"status\":0,\"route\":\"/a\",\"version\":\"v3\"}")"));
  EXPECT_EQ(result.text(only(result).outcome), "no_answer");
}

TEST(FlyTest, OtherLinesAreNoEvents) {
  EXPECT_EQ(why(fly(R"("Starting init")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{\"event\":\"queue.metric\",\"depth\":12}")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{\"status\":\"active\"}")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{\"status\":0,\"msg\":\"done\"}")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{\"status\":0,\"method\":\"/shop.Orders/Get\"}")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{broken")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{ id: 1, status: 200 }")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{\"id\"=>1, \"status\"=>200}")")), "not_an_event") << "Ruby's";
  EXPECT_EQ(why(fly(R"("{\"key\", 1}")")), "not_an_event") << "Elixir's";
  EXPECT_EQ(why(fly(R"("{\"method\":\"card\",\"status\":\"succeeded\"}")")), "not_an_event");
  EXPECT_EQ(why(fly(R"("{\"route\":\"bus-42\",\"status\":\"late\"}")")), "not_an_event");
  EXPECT_EQ(why(fly("null")), "not_an_event");
}

TEST(FlyTest, ACallWhoseEndIsUnreadableIsLostEvidence) {
  EXPECT_EQ(why(fly(R"("{\"status\":\"?\",\"route\":\"/a\",\"version\":\"v3\"}")")), "bad_status");
  EXPECT_EQ(why(fly(R"("{\"status\":99,\"route\":\"/a\",\"version\":\"v3\"}")")), "bad_status");
  EXPECT_EQ(why(fly(R"("{\"route\":\"/a\",\"version\":\"v3\",\"wall_ms\":5}")")), "bad_status");
  EXPECT_EQ(why(fly(R"("{\"route\":\"/a\",\"version\":\"v3\",\"sta")")), "broken");
  EXPECT_EQ(why(fly(R"("{\"message\":\"Error: a long st")")), "broken");
}

TEST(GenericTest, ATimeInSecondsIsTakenForOne) {
  const auto at = [](const std::string& ts) {
    return unix_ms(only(parsed(R"({"ts":)" + ts + R"(,"service":"shop","status":200})")).at);
  };
  EXPECT_EQ(at("1795181608"), 1795181608000);
  EXPECT_EQ(at("1795181608.838"), 1795181608838);
  EXPECT_EQ(at("1795181608838"), 1795181608838);
}

TEST(GenericTest, AllButTimeServiceAndOutcomeMayBeMissing) {
  const Parsed result = parsed(R"({"ts":1795181608838.5,"service":"shop","outcome":"timeout"})");
  EXPECT_EQ(result.text(only(result).outcome), "timeout");
  EXPECT_EQ(only(result).at.time_since_epoch().count() % 1'000'000, 500'000);
  const rules::Request full = only(parsed(
      R"({"ts":"2026-11-20T13:45:20Z","service":"shop","version":"v2","route":"/api/items/7","method":"GET","status":200,"outcome":"ok","wall_ms":12.3})"));
  EXPECT_EQ(full.latency_us, 12300U);
  EXPECT_FALSE(full.latency_is_wall_time);
  EXPECT_EQ(full.status, 200);
}

TEST(GenericTest, WhatIsMissingIsNamed) {
  EXPECT_EQ(why(R"({"service":"shop","status":200})"), "no_time");
  EXPECT_EQ(why(R"({"ts":1795181608838,"status":200})"), "no_service");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop"})"), "no_outcome");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","route":"/"})"), "no_outcome");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","method":"db.query","wall_ms":5})"),
            "no_outcome");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","route":"/","wall_ms":5})"), "bad_status")
      << "a call that does not say how it ended";
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","route":"/","status":null,"wall_ms":5})"),
            "bad_status");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","status":"200"})"), "bad_status");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","status":0})"), "bad_status");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","status":200,"wall_ms":1e99})"),
            "bad_duration");
  EXPECT_EQ(why(R"({"level":"info","msg":"hello"})"), "not_an_event");
  EXPECT_EQ(why("{}"), "not_an_event");
}

TEST(GenericTest, ACallThatGotNoAnswerIsAnErrorAndAnExitStatusIsNone) {
  const auto outcome = [](const std::string& more) {
    const Parsed result =
        parsed(R"({"ts":1795181608838,"service":"shop","status":0,)" + more + "}");
    EXPECT_EQ(only(result).status, 0);
    return std::string(result.text(only(result).outcome));
  };
  EXPECT_EQ(outcome(R"("route":"/buy")"), "no_answer");
  EXPECT_EQ(outcome(R"("method":"GET")"), "no_answer");
  EXPECT_EQ(outcome(R"("route":"/buy","outcome":"canceled")"), "canceled");
  const std::string of_grpc = R"({"ts":1795181608838,"service":"shop","status":0,)";
  EXPECT_EQ(why(of_grpc + R"("method":"/shop.Orders/Get"})"), "bad_status") << "there it means OK";
  EXPECT_EQ(why(of_grpc + R"("method":"shop.Orders/Get","route":"/x"})"), "bad_status");
  EXPECT_EQ(why(R"({"ts":1795181608838,"service":"shop","status":0,"msg":"done"})"), "bad_status");
}

TEST(GenericTest, EscapesAreReadAndLongNamesCut) {
  const Parsed escaped = parsed(R"({"ts":1795181608838,"service":"sh\u00f6p \"x\"","status":200})");
  EXPECT_EQ(escaped.text(only(escaped).service), "sh\xC3\xB6p \"x\"");
  const Parsed cut = parsed(R"({"ts":1795181608838,"service":"x)" + [] {
    std::string name;
    for (int i = 0; i < 400; ++i) name += "\xC3\xB6";
    return name;
  }() + R"(","status":200})");
  EXPECT_EQ(cut.text(only(cut).service).size(), 255U);
}

TEST(FormatTest, ANamedFormatTakesNoOther) {
  const std::string generic = R"({"ts":1795181608838,"service":"shop","status":200})";
  EXPECT_EQ(why(generic, {.format = LogFormat::cloudflare_trace}), "not_an_event");
  EXPECT_EQ(why(trace("null"), {.format = LogFormat::generic}), "not_an_event");
  EXPECT_EQ(why(trace("null"), {.format = LogFormat::cloudflare_logpush}), "not_an_event");
  EXPECT_EQ(log_format_of("logpush"), LogFormat::cloudflare_logpush);
  EXPECT_EQ(log_format_of("Fly"), std::nullopt);
}

TEST(HostileTest, BrokenTextDepthAndNumbersAreSurvivedAndCounted) {
  EXPECT_EQ(why("{\"ts\":1,\"service\":\"\xFF\xFE\"}"), "not_utf8");
  EXPECT_EQ(why("{\"a\":" + std::string(500'000, '[')), "broken");
  EXPECT_EQ(why("{\"a\":" + std::string(400'000, '[') + std::string(400'000, ']') + "}"),
            "not_an_event");
  EXPECT_EQ(why(R"({"ts":1,"service":"a\u0"})"), "broken");
  EXPECT_EQ(why(R"({"ts":1,"service":"a","status":200}{"ts":1})"), "broken");
  EXPECT_EQ(why(R"({"ts":1,"service":"a","status":200)"), "broken");
  EXPECT_EQ(why(std::string("{\"ts\":1,\0", 9)), "broken");
}

}  // namespace
}  // namespace belay::monitor
