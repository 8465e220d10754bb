#pragma once

#include <array>
#include <string_view>

namespace belay::rules::test {

/// "Sentences that must work": the promise of the language, word for word.
inline constexpr std::array<std::string_view, 31> kSentences = {
    "5xx rate > 5% over 1m, min 50 requests, for 30s",
    "error rate > 5% over 1m, min 50 requests, for 40s of 1m",
    "p95 latency > 250ms over 5m, min 100 requests",
    R"(p99 latency{route="/checkout", method="POST"} > 1s over 5m and requests rate > 10/s over 5m)",
    "429 rate > 2% over 1m, min 100 requests",
    "requests rate < 1/s over 5m, for 2m",
    "mean cpu > 30ms over 5m",
    R"(invocations{type="queue"} error rate > 2% over 5m, min 50 invocations)",
    R"(exceptions rate{outcome=~"exceeded.*"} > 0.5% over 1m or probe db fails 2 of 3)",
    "candidate error rate > baseline error rate + 1 point over 2m, min 50 requests",
    "candidate p95 latency > 1.2 x baseline p95 latency over 5m, min 200 requests, else fail",
    "candidate error rate > 50% over 10s and baseline error rate < 25% over 10s, min 20 requests, "
    "for 5s",
    "candidate error rate worse than baseline by 25%, confidence 99%",
    "candidate error rate worse than baseline by 0.5 points, confidence 99%",
    "candidate latency worse than baseline by 10%, confidence 99%",
    "candidate worse than baseline, confidence 99%",
    "probe healthz fails 3 of 5",
    "probe healthz p95 latency > 500ms over 5m",
    R"(queue "emails" depth > 1000, for 2m)",
    R"(queue "emails" oldest > 5m)",
    R"(queue "emails" failure rate > 10% over 5m, min 20 jobs)",
    R"(queue "emails" retries rate > 5/s over 1m)",
    R"(queue "emails" stalled > 0)",
    R"(queue "emails" growth > 50/s over 2m)",
    R"(queue ~"mail-.*" waiting > 5000, for 1m)",
    "metric d1_query_ms p95 > 2s over 5m, min 30 samples",
    "metric shadow_mismatch rate > 0.1% over 10m, min 500 samples",
    "prometheus cpu_seconds > 0.8",
    "no data for 60s",
    "no data from tail for 60s",
    "sampling from tail for 2m",
};

}  // namespace belay::rules::test
