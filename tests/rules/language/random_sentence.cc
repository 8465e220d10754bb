#include "tests/rules/language/random_sentence.h"

#include <algorithm>
#include <initializer_list>

namespace belay::rules::test {
namespace {

class Writer {
 public:
  explicit Writer(std::mt19937_64& random) : random_(random) {}

  std::string sentence() {
    std::string out = any(2);
    if (counts_ && one_in(2))
      out += comma() + "min " + std::to_string(1 + below(5000)) + " samples";
    if (one_in(2)) out += comma() + "for " + hold();
    if (worse_ && one_in(2))
      out += comma() + "confidence " + pick({"99%", "95%", "99.9%", "80.5%"});
    if (one_in(3)) out += comma() + "else " + pick({"hold", "fail"});
    return out;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::string pick(std::initializer_list<const char*> choices) {
    return *(choices.begin() + below(choices.size()));
  }
  std::string comma() { return one_in(4) ? " " : ", "; }

  std::string any(int depth) {
    std::string out = all(depth);
    while (one_in(4)) out += " or " + all(depth);
    return out;
  }
  std::string all(int depth) {
    std::string out = leaf(depth);
    while (one_in(4)) out += " and " + leaf(depth);
    return out;
  }
  std::string leaf(int depth) {
    if (depth > 0 && one_in(6)) return "(" + any(depth - 1) + ")";
    switch (below(12)) {
      case 0:
        return "no data" + (one_in(2) ? " from " + name() : "") + " for " + window();
      case 1:
        return "sampling from " + name() + " for " + window();
      case 2: {
        const std::size_t of = 1 + below(20);
        return "probe " + name() + " fails " + std::to_string(1 + below(of)) + " of " +
               std::to_string(of);
      }
      case 3:
        worse_ = true;
        counts_ = true;
        return pick({"candidate worse than baseline", "candidate error rate worse than baseline",
                     "candidate error rate worse than baseline by 12.5%",
                     "candidate error rate worse than baseline by 1 point",
                     "candidate latency worse than baseline by 33%",
                     "candidate latency worse than baseline"});
      case 4:
      case 5:
        return shares();
      case 6:
        return rates();
      case 7:
      case 8:
        return durations();
      case 9:
        return queues();
      default:
        return values();
    }
  }

  std::string name() {
    return pick({"tail", "db", "health-z", "a.b_c", "\"rate\"", "\"p95\"", "\"two words\"",
                 R"("say \"so\"")", R"("back\\slash")", "_x", "\"é\""});
  }
  std::string window() { return pick({"5s", "10s", "1m", "90s", "1m30s", "1.5h", "24h", "2m"}); }
  std::string hold() {
    return one_in(3) ? pick({"40s of 1m", "1s of 5s"}) : pick({"1s", "30s", "2m", "1h"});
  }
  std::string compare() { return pick({" > ", " >= ", " < ", " <= "}); }
  std::string decimal() {
    std::string out = std::to_string(below(one_in(2) ? 100 : 100000));
    if (one_in(3)) out += "." + std::to_string(1 + below(9999));
    return out == "0" ? "1" : out;  // All is more than nothing.
  }
  /// Below 50: nothing is more than all, nor half of something than half of all.
  std::string share() {
    std::string out = decimal();
    const std::size_t whole = std::min(out.find('.'), out.size());
    out.replace(0, whole, std::to_string(std::stoul(out.substr(0, whole)) % 50));
    return (out == "0" ? "1" : out) + "%";
  }
  std::string per_second() { return decimal() + pick({"/s", "/m"}); }
  std::string duration() { return decimal() + pick({"ms", "s", "m", "h"}); }
  std::string factor() {
    if (!one_in(4)) return {};
    return pick({"1.2 x ", "0.5 x ", "2x ", "1.01 x "});
  }
  std::string scope() { return pick({"", "", "candidate ", "baseline "}); }

  std::string labels(bool invocations) {
    if (!one_in(3)) return {};
    std::string out = "{" + label(invocations);
    while (one_in(3)) out += ", " + label(invocations);
    return out + "}";
  }
  std::string label(bool invocations) {
    if (invocations && one_in(3)) return pick({R"(type="queue")", R"(type!="cron")"});
    return pick({R"(route="/checkout")", R"(route=~"/api/.*")", R"(method!="GET")",
                 R"(status="404")", R"(status=~"4\\d\\d")", R"(outcome!~"exceeded.*")"});
  }

  std::string share_metric() {
    counts_ = true;
    const std::string rate = pick({"5xx rate", "429 rate", "error rate", "exceptions rate"});
    switch (below(5)) {
      case 0:
        return factor() + scope() + "invocations" + labels(true) + " " + rate;
      case 1:
        return factor() + scope() + "probe " + name() + " failure rate";
      case 2:
        return factor() + "metric " + name() + " rate";
      case 3:
        return factor() + scope() + R"(rate{outcome="canceled"})";
      default:
        return factor() + scope() + rate + labels(false);
    }
  }
  std::string over() { return " over " + window(); }
  std::string shares() {
    const std::string left = share_metric();
    switch (below(5)) {
      case 0:
        return left + compare() + share_metric() + pick({" + ", " - "}) + decimal() + " points" +
               over();
      case 1:
        return left + " - " + share_metric() + compare() + "1 point" + over();
      case 2:
        return left + over() + compare() + share_metric() + over();
      case 3:
        return share() + compare() + left + over();
      default:
        return left + compare() + share() + over();
    }
  }
  std::string rates() {
    counts_ = true;
    const std::string left =
        one_in(3) ? "invocations rate" : pick({"requests rate", "5xx rate"}) + labels(false);
    const std::string plus = one_in(3) ? " + " + per_second() : "";
    if (one_in(3)) return left + compare() + scope() + "requests rate" + plus + over();
    return left + compare() + per_second() + over();
  }
  std::string duration_metric() {
    counts_ = true;
    const std::string measure = pick({"p50", "p95", "p99.9", "p1", "p99.99", "mean", "max"});
    if (one_in(4)) return factor() + scope() + "probe " + name() + " " + measure + " latency";
    return factor() + scope() + measure + pick({" latency", " cpu"}) + labels(false);
  }
  std::string durations() {
    const std::string left = duration_metric();
    if (one_in(3)) return left + over() + compare() + duration_metric() + over();
    if (one_in(3)) return left + compare() + duration_metric() + " + " + duration() + over();
    return left + compare() + duration() + over();
  }
  std::string queue() { return one_in(3) ? R"(queue ~"mail-.*")" : "queue " + name(); }
  std::string queues() {
    const std::string q = queue() + " ";
    switch (below(6)) {
      case 0:
        return q + "oldest" + compare() + duration() + (one_in(3) ? over() : "");
      case 1:
        counts_ = true;
        return q + "failure rate" + compare() + share() + over();
      case 2:
        counts_ = true;
        return q + "retries rate" + compare() + per_second() + over();
      case 3:
        return q + "growth" + compare() + per_second() + over();
      case 4:
        return q + "stalled" + compare() +
               (one_in(2) ? queue() + " depth" : std::to_string(below(9))) +
               (one_in(2) ? over() : "");
      default:
        return q + pick({"depth", "waiting", "active", "delayed", "failed"}) + compare() +
               (one_in(3) ? queue() + " stalled" : decimal()) + (one_in(3) ? over() : "");
    }
  }
  std::string values() {
    if (one_in(3)) {
      return "prometheus " + name() + compare() + pick({"0.8", "80%", "2s", "5MB", "1500B", "3/s"});
    }
    counts_ = true;
    const std::string measure = pick({"p95", "mean", "max", "sum", "last"});
    return scope() + "metric " + pick({"d1_query_ms", "x_bytes", "y", "\"sum\""}) + " " + measure +
           compare() + pick({"5", "2s", "1.5KB", "10/s", "12%"}) + over();
  }

  std::mt19937_64& random_;
  bool counts_ = false;
  bool worse_ = false;
};

}  // namespace

std::string random_sentence(std::mt19937_64& random) { return Writer(random).sentence(); }

}  // namespace belay::rules::test
