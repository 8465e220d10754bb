#include "monitor/config/written_secrets.h"

#include <algorithm>
#include <array>

namespace belay::monitor {
namespace {

constexpr std::array<std::string_view, 9> kNames = {
    "token", "secret", "passw", "pasw", "pwd", "credential", "authorization", "cookie", "hook"};
constexpr std::string_view kBlanks = " \t";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

/// What stands in `${…}`: the name of a variable, or of a file.
bool only_says_where(std::string_view inside) {
  return inside.starts_with("file:") ||
         std::ranges::all_of(inside, [](char c) { return is_word(c) && c != '-' && c != '.'; });
}

/// `key` alone names many things: a flag's, a test's.
bool names_secret(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool is_some_key = lower.size() > 3 && lower.ends_with("key");
  return is_some_key || std::any_of(kNames.begin(), kNames.end(), [&lower](std::string_view one) {
           return lower.find(one) != std::string::npos;
         });
}

void mask(std::string& line, TextSpan value) {
  for (const TextSpan& part : literal_parts(line, value)) {
    std::fill(line.begin() + static_cast<std::ptrdiff_t>(part.begin),
              line.begin() + static_cast<std::ptrdiff_t>(part.end), '*');
  }
}

/// Up to where the value that begins at `at` reaches, its quotes not among it.
TextSpan value_at(std::string_view line, std::size_t at, bool is_in_flow) {
  if (line[at] == '"' || line[at] == '\'') {
    return {at + 1, std::min(line.find(line[at], at + 1), line.size())};
  }
  const std::size_t end = is_in_flow ? line.find_first_of(",}]\"'", at) : line.size();
  return {at, line.find_last_not_of(kBlanks, std::min(end, line.size()) - 1) + 1};
}

/// The value of the name that ends at `at`, if one stands there and is no list or map.
TextSpan value_behind(std::string_view line, std::size_t at, bool is_in_flow) {
  if (at < line.size() && (line[at] == '"' || line[at] == '\'')) ++at;
  at = line.find_first_not_of(kBlanks, at);
  if (at == std::string_view::npos || (line[at] != ':' && line[at] != '=')) return {};
  at = line.find_first_not_of(kBlanks, at + 1);
  if (at == std::string_view::npos || line[at] == '{' || line[at] == '[') return {};
  return value_at(line, at, is_in_flow);
}

void mask_named(std::string& line) {
  const std::size_t flow_begins = line.find_first_of("{[\"'");
  for (std::size_t at = 0; at < line.size();) {
    if (!is_word(line[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < line.size() && is_word(line[at])) ++at;
    if (!names_secret(std::string_view(line).substr(begin, at - begin))) continue;
    const TextSpan value = value_behind(line, at, flow_begins < at);
    mask(line, value);
    at = std::max(at, value.end);
  }
}

void mask_addresses(std::string& line) {
  constexpr std::string_view kMark = "://";
  for (std::size_t at = line.find(kMark); at != std::string::npos; at = line.find(kMark, at)) {
    std::size_t scheme = at;
    while (scheme > 0 && is_word(line[scheme - 1])) --scheme;
    const char before = scheme > 0 ? line[scheme - 1] : ' ';
    const bool is_quoted = before == '"' || before == '\'';
    at += kMark.size();
    const std::size_t end = std::min(
        is_quoted ? line.find(before, at) : line.find_first_of(" \t,}]\"'", at), line.size());
    const std::string address = line.substr(at, end - at);
    const std::size_t host = address.rfind('@') + 1;
    const std::size_t query = address.find('?', host);
    if (host > 0) mask(line, {at, at + host - 1});
    if (query != std::string::npos) mask(line, {at + query + 1, end});
    at = end;
  }
}

}  // namespace

std::vector<TextSpan> literal_parts(std::string_view text, TextSpan value) {
  std::vector<TextSpan> parts;
  std::size_t at = value.begin;
  text = text.substr(0, value.end);
  const auto add = [&parts](std::size_t begin, std::size_t end) {
    if (begin < end) parts.push_back({begin, end});
  };
  while (at < value.end) {
    const std::size_t open = std::min(text.find("${", at), value.end);
    add(at, open);
    const std::size_t close = text.find('}', open);
    if (open == value.end || close >= value.end) {
      add(open, value.end);
      break;
    }
    const std::string_view inside = text.substr(open + 2, close - open - 2);
    const std::size_t fallback = inside.find(":-");
    if (!only_says_where(inside.substr(0, fallback))) {
      add(open, close + 1);
    } else if (fallback != std::string_view::npos) {
      add(open + 2 + fallback + 2, close);
    }
    at = close + 1;
  }
  return parts;
}

void mask_likely_secrets(std::string& line) {
  mask_addresses(line);
  mask_named(line);
}

}  // namespace belay::monitor
