#include "rules/rollout/journal_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

namespace belay::rules {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the UTF-8 sequence at the front of `text`; 0 if it is not one.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;  // No surrogates.
  }
  if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return length;
}

void put_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += kReplacement;
    } else if (first == '"' || first == '\\') {
      out.append("\\").append(text.substr(0, 1));
    } else if (first < 0x20 || first == 0x7F) {
      out += "\\u00";
      out += kHex[first >> 4U];
      out += kHex[first & 0xFU];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), written.ptr};
}

std::int64_t milliseconds(Duration duration) { return duration / std::chrono::milliseconds{1}; }

}  // namespace

void JsonText::name(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  put_string(text_, name);
  text_ += ':';
}

JsonText& JsonText::field(std::string_view of, std::string_view value) {
  name(of);
  put_string(text_, value);
  return *this;
}

JsonText& JsonText::field(std::string_view of, std::int64_t value) {
  name(of);
  text_ += std::to_string(value);
  return *this;
}

JsonText& JsonText::field(std::string_view of, bool value) {
  name(of);
  text_ += value ? "true" : "false";
  return *this;
}

JsonText& JsonText::field(std::string_view of, double value) {
  name(of);
  text_ += number(value);
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::vector<Deployment::Share>& shares) {
  name(of);
  text_ += '[';
  for (const Deployment::Share& share : shares) {
    if (text_.back() != '[') text_ += ',';
    text_ += JsonText().field("version", share.version).field("percent", share.percent).take();
  }
  text_ += ']';
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::vector<std::string>& values) {
  name(of);
  text_ += '[';
  for (const std::string& value : values) {
    if (text_.back() != '[') text_ += ',';
    put_string(text_, value);
  }
  text_ += ']';
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::vector<TopFailure>& failures) {
  name(of);
  text_ += '[';
  for (const TopFailure& failure : failures) {
    if (text_.back() != '[') text_ += ',';
    text_ += JsonText()
                 .field("name", failure.name)
                 .field("bad", static_cast<std::int64_t>(failure.bad))
                 .field("total", static_cast<std::int64_t>(failure.total))
                 .take();
  }
  text_ += ']';
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::vector<RuleBefore>& rules) {
  name(of);
  text_ += '[';
  for (const RuleBefore& rule : rules) {
    if (text_.back() != '[') text_ += ',';
    JsonText object;
    object.field("rule", rule.rule)
        .field("sentence", rule.sentence)
        .field("truth", name_of(rule.truth));
    object.name("values");
    object.text_ += '[';
    for (const Evidence& one : rule.evidence) {
      if (object.text_.back() != '[') object.text_ += ',';
      JsonText value;
      value.field("truth", name_of(one.truth));
      if (one.has_value) value.field("value", one.value);
      value.field("threshold", one.threshold)
          .field("numerator", static_cast<std::int64_t>(one.numerator))
          .field("denominator", static_cast<std::int64_t>(one.denominator));
      object.text_ += value.take();
    }
    object.text_ += ']';
    text_ += object.take();
  }
  text_ += ']';
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::map<std::string, double>& depths) {
  JsonText object;
  for (const auto& [queue, depth] : depths) object.field(queue, depth);
  name(of);
  text_ += object.take();
  return *this;
}

JsonText& JsonText::field(std::string_view of, const RolloutNumbers& numbers) {
  JsonText object;
  object.field("compared", name_of(numbers.compared))
      .field("window_ms", milliseconds(numbers.window));
  const auto counts = [&object](const std::string& prefix, const PairCounts& pair) {
    for (const auto& [role, whose] :
         {std::pair{Role::candidate, "candidate"}, std::pair{Role::baseline, "baseline"}})
      object.field(prefix + whose + "_bad", static_cast<std::int64_t>(pair[role].bad))
          .field(prefix + whose + "_total", static_cast<std::int64_t>(pair[role].total));
  };
  counts("", numbers.counts);
  counts("since_start_", numbers.since_start);
  object.field("odds", numbers.odds)
      .field("odds_limit", numbers.odds_limit)
      .field("margin", numbers.margin)
      .field("traffic", numbers.traffic)
      .field("share", numbers.share)
      .field("allowed", numbers.allowed)
      .field("excess", numbers.excess)
      .field("low", numbers.interval.low)
      .field("high", numbers.interval.high)
      .field("routes", numbers.routes)
      .field("reasons", numbers.reasons)
      .field("exceptions", numbers.exceptions);
  name(of);
  text_ += object.take();
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::vector<Evidence>& evidence) {
  name(of);
  text_ += '[';
  for (const Evidence& one : evidence) {
    if (text_.back() != '[') text_ += ',';
    JsonText object;
    object.field("what", one.what);
    if (one.has_value) {
      object.name("value");
      object.text_ += number(one.value);
    }
    object.name("threshold");
    object.text_ += number(one.threshold);
    object.field("numerator", static_cast<std::int64_t>(one.numerator))
        .field("denominator", static_cast<std::int64_t>(one.denominator))
        .field("window_ms", milliseconds(one.window));
    text_ += object.take();
  }
  text_ += ']';
  return *this;
}

JsonText& JsonText::field(std::string_view of, const JsonText& object) {
  name(of);
  text_ += object.take();
  return *this;
}

JsonText& JsonText::field(std::string_view of, const std::vector<JsonText>& objects) {
  name(of);
  text_ += '[';
  for (const JsonText& object : objects) {
    if (text_.back() != '[') text_ += ',';
    text_ += object.take();
  }
  text_ += ']';
  return *this;
}

const char* kind_of(const Order& order) {
  if (std::holds_alternative<RollBack>(order.action)) return "rollback";
  if (std::holds_alternative<MoveTraffic>(order.action)) return "move";
  return std::holds_alternative<ResetFlag>(order.action) ? "reset_flag" : "run";
}

JournalEntry intent_entry(const Order& order, const std::string& candidate,
                          const std::string& baseline) {
  JsonText text;
  text.field("kind", kind_of(order))
      .field("service", order.service)
      .field("rule", order.rule)
      .field("reason", order.reason)
      .field("rollout", order.rollout)
      .field("candidate", candidate)
      .field("baseline", baseline)
      .field("at_ms", unix_ms(order.at));
  if (const auto* back = std::get_if<RollBack>(&order.action)) {
    text.field("target", back->target).field("expected", back->expected);
  } else if (const auto* reset = std::get_if<ResetFlag>(&order.action)) {
    text.field("flag", reset->flag);
  } else if (const auto* move = std::get_if<MoveTraffic>(&order.action)) {
    text.field("percent", move->percent).field("expected", move->expected);
  } else {
    text.field("command", std::get<RunCommand>(order.action).command);
  }
  text.field("evidence", order.evidence);
  return {.kind = JournalEntry::Kind::intent,
          .at = order.at,
          .service = order.service,
          .rule = order.rule,
          .intent = order.intent,
          .text = text.take()};
}

}  // namespace belay::rules
