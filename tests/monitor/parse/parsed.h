#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "monitor/parse/log_parser.h"
#include "rules/event.h"

namespace belay::monitor::test {

inline constexpr Instant kNow = from_unix_ms(1'800'000'000'000);

/// A parser and what it made of its input.
struct Parsed {
  explicit Parsed(LogParserOptions options = {}) : parser(std::move(options)) {}

  /// Feeds `input` in pieces of `piece` bytes and ends it.
  Parsed& all(std::string_view input, std::size_t piece = std::string_view::npos) {
    feed(input, piece);
    parser.finish(kNow, events);
    learn();
    return *this;
  }

  Parsed& feed(std::string_view input, std::size_t piece = std::string_view::npos) {
    while (!input.empty()) {
      const std::string_view part = input.substr(0, piece);
      // A buffer of exactly its size: reading behind it does not go unseen under ASan.
      const std::vector<char> bytes(part.begin(), part.end());
      parser.feed({bytes.data(), bytes.size()}, kNow, events);
      input.remove_prefix(part.size());
    }
    learn();
    return *this;
  }

  void learn() {
    for (auto& defined : parser.interner().take_defined()) texts[defined.id] = defined.text;
  }

  [[nodiscard]] std::vector<rules::Request> requests() const {
    std::vector<rules::Request> found;
    for (const auto& event : events) {
      if (const auto* request = std::get_if<rules::Request>(&event)) found.push_back(*request);
    }
    return found;
  }

  [[nodiscard]] std::string text(rules::TextId id) const {
    return id == rules::kNoText ? "" : texts.at(id);
  }

  [[nodiscard]] std::uint64_t rejected(std::string_view reason) const {
    const auto found = parser.rejected().find(std::string(reason));
    return found == parser.rejected().end() ? 0 : found->second;
  }

  [[nodiscard]] bool adds_up() const {
    std::uint64_t sum = parser.used();
    for (const auto& [reason, count] : parser.rejected()) sum += count;
    return sum == parser.documents();
  }

  /// Everything that the input meant, as text: equal inputs, however cut, look equal.
  [[nodiscard]] std::string shown() const {
    std::string out;
    for (const auto& r : requests()) {
      out += text(r.service) + '|' + text(r.version) + '|' + text(r.route) + '|' + text(r.outcome) +
             '|' + text(r.method) + '|' + std::to_string(r.status) + '|' +
             std::to_string(r.at.time_since_epoch().count()) + '|' +
             std::to_string(static_cast<int>(r.invocation)) + '|' + std::to_string(r.exceptions) +
             '|' + (r.latency_us ? std::to_string(*r.latency_us) : "-") + '|' +
             (r.cpu_us ? std::to_string(*r.cpu_us) : "-") + '|' + std::to_string(r.fingerprint) +
             '\n';
    }
    for (const auto& [reason, count] : parser.rejected()) {
      out += reason + '=' + std::to_string(count) + '\n';
    }
    return out + std::to_string(parser.documents()) + '/' + std::to_string(events.size());
  }

  LogParser parser;
  std::vector<rules::Event> events;
  std::map<rules::TextId, std::string> texts;
};

}  // namespace belay::monitor::test
