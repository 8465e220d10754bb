#include "bench/bare_on_demand.h"

#include <simdjson.h>

#include "base/check.h"

namespace belay::bench {
namespace {

namespace ondemand = simdjson::ondemand;
using simdjson::SUCCESS;

static_assert(BareOnDemand::kPadding >= simdjson::SIMDJSON_PADDING);

// Larger than any event, small enough for the caches.
constexpr std::size_t kBatchBytes = 1'000'000;

template <typename Each>
void each_member(ondemand::object object, Each each) {
  for (auto field : object) {
    ondemand::raw_json_string key;
    ondemand::value value;
    BELAY_CHECK(field.key().get(key) == SUCCESS, "a key");
    BELAY_CHECK(field.value().get(value) == SUCCESS, "a value");
    each(key, value);
  }
}

std::uint64_t text(ondemand::value value) {
  std::string_view text;
  BELAY_CHECK(value.get_string().get(text) == SUCCESS, "a text");
  return text.size();
}

std::uint64_t number(ondemand::value value) {
  std::uint64_t number = 0;
  BELAY_CHECK(value.get_uint64().get(number) == SUCCESS, "a number");
  return number;
}

ondemand::object object(ondemand::value value) {
  ondemand::object object;
  BELAY_CHECK(value.get_object().get(object) == SUCCESS, "an object");
  return object;
}

void read_request(ondemand::object request, BareTotals& totals) {
  each_member(request, [&](ondemand::raw_json_string key, ondemand::value value) {
    if (key == "url" || key == "method") {
      totals.text_bytes += text(value);
    } else if (key == "headers") {
      each_member(object(value), [&](ondemand::raw_json_string header, ondemand::value content) {
        if (header == "cf-ray") totals.text_bytes += text(content);
      });
    }
  });
}

void read_event(ondemand::object event, BareTotals& totals) {
  each_member(event, [&](ondemand::raw_json_string key, ondemand::value value) {
    if (key == "request") {
      read_request(object(value), totals);
    } else if (key == "response") {
      each_member(object(value), [&](ondemand::raw_json_string name, ondemand::value status) {
        if (name == "status") totals.statuses += number(status);
      });
    }
  });
}

void read_trace(ondemand::object trace, BareTotals& totals) {
  each_member(trace, [&](ondemand::raw_json_string key, ondemand::value value) {
    if (key == "wallTime") {
      totals.wall_ms += number(value);
    } else if (key == "cpuTime") {
      totals.cpu_ms += number(value);
    } else if (key == "eventTimestamp") {
      totals.at_ms += number(value);
    } else if (key == "outcome" || key == "scriptName") {
      totals.text_bytes += text(value);
    } else if (key == "scriptVersion") {
      each_member(object(value), [&](ondemand::raw_json_string name, ondemand::value id) {
        if (name == "id") totals.text_bytes += text(id);
      });
    } else if (key == "exceptions") {
      ondemand::array exceptions;
      BELAY_CHECK(value.get_array().get(exceptions) == SUCCESS, "an array");
      for (auto exception : exceptions) totals.exceptions += exception.error() == SUCCESS ? 1 : 0;
    } else if (key == "event") {
      read_event(object(value), totals);
    }
  });
}

}  // namespace

class BareOnDemand::Parser {
 public:
  Parser() {
#ifdef SIMDJSON_THREADS_ENABLED
    // The second thread would hide half of the work from a measurement of this one.
    parser_.threaded = false;
#endif
  }

  BareTotals read(std::string_view log) {
    BareTotals totals;
    ondemand::document_stream stream;
    BELAY_CHECK(parser_.iterate_many(log.data(), log.size(), kBatchBytes).get(stream) == SUCCESS,
                "a stream");
    for (auto document : stream) {
      ondemand::object trace;
      BELAY_CHECK(document.get_object().get(trace) == SUCCESS, "a trace");
      read_trace(trace, totals);
      ++totals.events;
    }
    return totals;
  }

 private:
  ondemand::parser parser_;
};

BareOnDemand::BareOnDemand() : parser_(std::make_unique<Parser>()) {}
BareOnDemand::~BareOnDemand() = default;
BareTotals BareOnDemand::read(std::string_view log) { return parser_->read(log); }

}  // namespace belay::bench
