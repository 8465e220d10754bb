#include "base/time.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace belay {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::int64_t kSecond = 1'000'000'000;
/// Longest name first where one begins with another ("ms" before "m").
constexpr std::array kUnits = {
    Unit{"ms", 1'000'000},     Unit{"us", 1'000},       Unit{"ns", 1},
    Unit{"s", kSecond},        Unit{"m", 60 * kSecond}, Unit{"h", 3600 * kSecond},
    Unit{"d", 86400 * kSecond}};

void append_unit(std::string& out, std::int64_t& rest, std::int64_t unit, std::string_view name) {
  if (rest < unit) return;
  out.append(std::to_string(rest / unit)).append(name);
  rest %= unit;
}

/// Reads exactly `digits` digits; nothing if there are fewer.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// A number and its unit from the front of `text`, as nanoseconds.
std::optional<double> take_quantity(std::string_view& text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return number * static_cast<double>(unit.nanoseconds);
  }
  return std::nullopt;
}

/// ".252", at most nine digits, as nanoseconds. Zero if there is no fraction.
std::optional<std::int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t nanoseconds = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > 9) return std::nullopt;
  for (std::size_t i = 0; i < 9; ++i) {
    nanoseconds = nanoseconds * 10 + (i < digits ? text[i] - '0' : 0);
  }
  text.remove_prefix(digits);
  return nanoseconds;
}

/// "Z", "+02:00" or "-08:30", as what must be taken off local time to get UTC.
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return std::chrono::minutes{0};
  const bool east = text.starts_with('+');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset{*hours * 60 + *minutes};
  return east ? offset : -offset;
}

}  // namespace

std::string format_duration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  std::string out;
  std::int64_t rest = duration.count();
  if (rest < 0) {
    out = "-";
    rest = rest == std::numeric_limits<std::int64_t>::min()
               ? std::numeric_limits<std::int64_t>::max()
               : -rest;
  }
  append_unit(out, rest, 3600 * kSecond, "h");
  append_unit(out, rest, 60 * kSecond, "m");
  append_unit(out, rest, kSecond, "s");
  append_unit(out, rest, 1'000'000, "ms");
  append_unit(out, rest, 1'000, "us");
  append_unit(out, rest, 1, "ns");
  return out;
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto part = take_quantity(text);
    if (!part) return std::nullopt;
    total += *part;
  }
  if (total >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return Duration{std::llround(total)};
}

std::string format_utc(Instant at) {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(at.time_since_epoch());
  const auto day = floor<days>(ms);
  const year_month_day date{sys_days{day}};
  const hh_mm_ss time{ms - day};
  std::array<char, 40> out{};
  const int length = std::snprintf(
      out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {out.data(), static_cast<std::size_t>(length)};
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto m = take_digits(text, 2);
  if (!m || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;

  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  // Outside these years nanoseconds since 1970 do not fit 64 bits. A second of 60 is a leap second.
  if (!date.ok() || *y < 1700 || *y > 2250 || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const auto since_epoch = sys_days{date}.time_since_epoch() + hours{*hour} + minutes{*minute} +
                           std::chrono::seconds{*second} - *offset;
  return Instant{duration_cast<Duration>(since_epoch) + Duration{*fraction}};
}

}  // namespace belay
