#include "monitor/parse/document_reader.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "monitor/parse/json_member.h"

namespace belay::monitor {
namespace {

namespace ondemand = simdjson::ondemand;
using json::each_element;
using json::each_member;
using json::first_char;
using json::Key;
using json::read;
using simdjson::error_code;

error_code read_headers(ondemand::value value, std::string_view& ray) {
  ondemand::object headers;
  const error_code error = value.get_object().get(headers);
  if (error == simdjson::INCORRECT_TYPE) return simdjson::SUCCESS;
  if (error != simdjson::SUCCESS) return error;
  std::string_view json;
  const error_code skipped = headers.raw_json().get(json);
  if (skipped == simdjson::SUCCESS) ray = json::header_in(json, "\"cf-ray\"");
  return skipped;
}

error_code read_request(ondemand::value value, Fields& fields) {
  return each_member(value, [&](Key key, ondemand::value member) {
    if (key.is("url") || key.is("URL")) return read(member, fields.url);
    if (key.is("method") || key.is("Method")) return read(member, fields.method);
    if (key.is("headers")) return read_headers(member, fields.ray);
    return simdjson::SUCCESS;
  });
}

error_code read_response(ondemand::value value, Fields& fields) {
  return each_member(value, [&](Key key, ondemand::value member) {
    if (key.is("status") || key.is("Status")) return read(member, fields.status);
    return simdjson::SUCCESS;
  });
}

error_code read_event_member(Key key, ondemand::value member, Fields& fields) {
  const auto mark = [&](EventKey event_key) {
    fields.event_keys = static_cast<std::uint16_t>(fields.event_keys | event_key);
    return simdjson::SUCCESS;
  };
  if (key.is("request") || key.is("Request")) {
    mark(kRequest);
    return read_request(member, fields);
  }
  if (key.is("response") || key.is("Response")) return read_response(member, fields);
  if (key.is("cron")) return mark(kCron);
  if (key.is("queue")) return mark(kQueue);
  if (key.is("mailFrom")) return mark(kMail);
  if (key.is("rpcMethod")) return mark(kRpc);
  if (key.is("getWebSocketEvent")) return mark(kWebSocket);
  if (key.is("consumedEvents")) return mark(kConsumed);
  if (key.is("scheduledTime")) return mark(kScheduled);
  if (key.is("RayID")) return read(member, fields.ray);
  if (key.is("message")) return read(member, fields.message);
  if (key.is("type")) {
    mark(kType);
    return read(member, fields.event_type);
  }
  return simdjson::SUCCESS;
}

error_code read_event(ondemand::value value, Fields& fields) {
  return each_member(value, [&](Key key, ondemand::value member) {
    return json::is_null(member) ? simdjson::SUCCESS : read_event_member(key, member, fields);
  });
}

/// scriptVersion of a trace, `version` of a generic event.
error_code read_version(ondemand::value value, std::string_view& version) {
  if (first_char(value) == '"') return read(value, version);
  return each_member(value, [&](Key key, ondemand::value member) {
    return key.is("id") || key.is("ID") ? read(member, version) : simdjson::SUCCESS;
  });
}

/// fly.app.name of a line from NATS.
error_code read_fly(ondemand::value value, Fields& fields) {
  return each_member(value, [&](Key key, ondemand::value app) {
    if (!key.is("app")) return simdjson::SUCCESS;
    return each_member(app, [&](Key name, ondemand::value member) {
      if (name.is("name")) return read(member, fields.service);
      return name.is("instance") ? read(member, fields.instance) : simdjson::SUCCESS;
    });
  });
}

/// `meta` of a line from flyctl: HTTP.Request.Method, HTTP.Response.status_code, URL.Full.
error_code read_meta(ondemand::value value, Fields& fields) {
  return each_member(value, [&](Key key, ondemand::value part) {
    if (key.is("HTTP")) {
      return each_member(part, [&](Key side, ondemand::value http) {
        return each_member(http, [&](Key name, ondemand::value member) {
          if (side.is("Request") && name.is("Method")) return read(member, fields.method);
          const bool is_status = side.is("Response") && name.is("status_code");
          return is_status ? read(member, fields.status) : simdjson::SUCCESS;
        });
      });
    }
    if (!key.is("URL")) return simdjson::SUCCESS;
    return each_member(part, [&](Key name, ondemand::value member) {
      return name.is("Full") ? read(member, fields.url) : simdjson::SUCCESS;
    });
  });
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> keys;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    keys.emplace_back(path.substr(0, dot));
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return keys;
}

Rejection rejection_of(error_code error) {
  return error == simdjson::UTF8_ERROR ? Rejection::not_utf8 : Rejection::not_json;
}

}  // namespace

class DocumentReader::Walk {
 public:
  explicit Walk(std::string_view latency_field) : latency_path_(split_path(latency_field)) {}

  std::optional<Rejection> read(std::string_view text, Fields& fields) {
    if (text.empty() || text.front() != '{') return Rejection::not_json;
    ondemand::document document;
    ondemand::object object;
    error_code error = open(parser_, text, document);
    if (error == simdjson::SUCCESS) error = document.get_object().get(object);
    if (error == simdjson::SUCCESS) {
      error = each_member(
          object, [&](Key key, ondemand::value value) { return read_member(key, value, fields); });
    }
    if (error != simdjson::SUCCESS) return rejection_of(error);
    const char* rest = nullptr;
    const bool is_whole = document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS;
    return is_whole ? std::nullopt : std::optional(Rejection::not_json);
  }

 private:
  static error_code open(ondemand::parser& parser, std::string_view text,
                         ondemand::document& document) {
    if (parser.capacity() < text.size()) {
      // Doubling, or each longer document than the last would allocate anew.
      constexpr std::size_t kSmallest = 16 * 1024;
      const std::size_t bytes = std::max({kSmallest, text.size(), 2 * parser.capacity()});
      if (const error_code error = parser.allocate(bytes); error != simdjson::SUCCESS) return error;
    }
    return parser.iterate(text, text.size() + kDocumentPadding).get(document);
  }

  error_code read_member(Key key, ondemand::value value, Fields& fields) {
    if (!latency_path_.empty() && key.is(latency_path_.front())) {
      if (is_plain(key)) return read_latency(value, 1, fields.latency_ms);
    }
    const char front = key.front();
    if (front < 'a') return read_logpush(key, value, fields);
    return front == 'e' || front == 's' ? read_busy(key, value, fields)
                                        : read_other(key, value, fields);
  }

  /// Not one of those that are read for what is in them.
  static bool is_plain(Key key) {
    return !key.is("event") && !key.is("Event") && !key.is("logs") && !key.is("Logs") &&
           !key.is("meta") && !key.is("fly");
  }

  static error_code mark(Fields& fields, Dialect dialect) {
    fields.dialects = static_cast<std::uint8_t>(fields.dialects | dialect);
    return simdjson::SUCCESS;
  }

  /// The names with "e" and "s", which most of a trace's have.
  static error_code read_busy(Key key, ondemand::value value, Fields& fields) {
    if (key.is("event")) return read_event(value, fields);
    if (key.is("eventTimestamp")) {
      mark(fields, kTrace);
      return json::read(value, fields.at_ms);
    }
    if (key.is("exceptions")) return read_exceptions(value, fields);
    if (key.is("executionModel")) return mark(fields, kTrace);
    if (key.is("scriptName")) {
      mark(fields, kTrace);
      return json::read(value, fields.service);
    }
    if (key.is("scriptVersion")) return read_version(value, fields.version);
    if (key.is("service")) {
      mark(fields, kGeneric);
      return json::read(value, fields.service);
    }
    if (key.is("status")) return json::read(value, fields.status);
    return simdjson::SUCCESS;
  }

  error_code read_other(Key key, ondemand::value value, Fields& fields) {
    if (key.is("wallTime")) return json::read(value, fields.wall_ms);
    if (key.is("cpuTime")) return json::read(value, fields.cpu_ms);
    if (key.is("outcome")) return json::read(value, fields.outcome);
    if (key.is("logs")) return read_logs(value, fields);
    if (key.is("ts")) return read_ts(value, fields);
    if (key.is("version")) return read_version(value, fields.version);
    if (key.is("route")) return json::read(value, fields.url);
    if (key.is("method")) return json::read(value, fields.method);
    if (key.is("wall_ms")) return json::read(value, fields.wall_ms);
    if (key.is("message")) return json::read(value, fields.message);
    if (key.is("timestamp")) return json::read(value, fields.timestamp);
    if (key.is("instance")) {
      mark(fields, kFlyLine);
      return json::read(value, fields.instance);
    }
    if (key.is("meta")) {
      mark(fields, kFlyLine);
      return read_meta(value, fields);
    }
    if (key.is("fly")) {
      mark(fields, kFlyLine);
      return read_fly(value, fields);
    }
    return simdjson::SUCCESS;
  }

  error_code read_logpush(Key key, ondemand::value value, Fields& fields) {
    if (key.is("EventTimestampMs")) {
      mark(fields, kLogpush);
      return json::read(value, fields.at_ms);
    }
    if (key.is("ScriptName")) {
      mark(fields, kLogpush);
      return json::read(value, fields.service);
    }
    if (key.is("WallTimeMs")) return json::read(value, fields.wall_ms);
    if (key.is("CPUTimeMs")) return json::read(value, fields.cpu_ms);
    if (key.is("Event")) return read_event(value, fields);
    if (key.is("EventType")) return json::read(value, fields.event_type);
    if (key.is("Exceptions")) return read_exceptions(value, fields);
    if (key.is("Logs")) return read_logs(value, fields);
    if (key.is("Outcome")) return json::read(value, fields.outcome);
    if (key.is("ScriptVersion")) return read_version(value, fields.version);
    return simdjson::SUCCESS;
  }

  /// Milliseconds, seconds, or RFC 3339.
  static error_code read_ts(ondemand::value value, Fields& fields) {
    mark(fields, kGeneric);
    return first_char(value) == '"' ? json::read(value, fields.timestamp)
                                    : json::read(value, fields.at_ms);
  }

  static error_code read_exceptions(ondemand::value value, Fields& fields) {
    if (json::first_char(value) != '[') return simdjson::SUCCESS;
    fields.exceptions = 0;
    fields.exception = {};
    return each_element(value, [&](ondemand::value element) {
      return fields.exceptions++ == 0 ? json::read_raw(element, fields.exception)
                                      : simdjson::SUCCESS;
    });
  }

  error_code read_latency(ondemand::value value, std::size_t depth, Number& latency_ms) {
    if (depth == latency_path_.size()) return json::read(value, latency_ms);
    return each_member(value, [&](Key key, ondemand::value member) {
      return key.is(latency_path_[depth]) ? read_latency(member, depth + 1, latency_ms)
                                          : simdjson::SUCCESS;
    });
  }

  /// logs[].message[]: objects, or strings that hold one.
  error_code read_logs(ondemand::value value, Fields& fields) {
    if (latency_path_.empty()) return simdjson::SUCCESS;
    return each_element(value, [&](ondemand::value line) {
      return each_member(line, [&](Key key, ondemand::value message) {
        if (!key.is("message") && !key.is("Message")) return simdjson::SUCCESS;
        return each_element(message, [&](ondemand::value item) { return read_item(item, fields); });
      });
    });
  }

  error_code read_item(ondemand::value item, Fields& fields) {
    if (fields.latency_ms.present()) return simdjson::SUCCESS;
    if (first_char(item) == '{') return read_latency(item, 0, fields.latency_ms);
    std::string_view text;
    if (const error_code error = json::read(item, text); error != simdjson::SUCCESS) return error;
    if (!text.starts_with('{')) return simdjson::SUCCESS;
    line_.assign(text);
    line_.append(kDocumentPadding, '\0');
    ondemand::document document;
    ondemand::value root;
    const std::string_view line = std::string_view(line_).substr(0, text.size());
    // A log line that is no JSON is the application's own affair.
    if (open(line_parser_, line, document) != simdjson::SUCCESS) return simdjson::SUCCESS;
    if (document.get_value().get(root) != simdjson::SUCCESS) return simdjson::SUCCESS;
    Number latency_ms;
    const error_code error = read_latency(root, 0, latency_ms);
    if (error == simdjson::SUCCESS && latency_ms.present()) fields.latency_ms = latency_ms;
    return simdjson::SUCCESS;
  }

  ondemand::parser parser_;
  ondemand::parser line_parser_;
  std::string line_;
  const std::vector<std::string> latency_path_;
};

DocumentReader::DocumentReader(std::string_view latency_field)
    : walk_(std::make_unique<Walk>(latency_field)) {}
DocumentReader::~DocumentReader() = default;
DocumentReader::DocumentReader(DocumentReader&&) noexcept = default;

std::optional<Rejection> DocumentReader::read(std::string_view document, Fields& fields) {
  return walk_->read(document, fields);
}

}  // namespace belay::monitor
