#include "rules/language/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace belay::rules {
namespace {

constexpr double kLargest = 1e15;
constexpr std::size_t kDigitsMax = 15;

struct Unit {
  std::string_view name;
  Dimension dimension;
  double base;
};
constexpr std::array kUnits = {
    Unit{"%", Dimension::share, 0.01},          Unit{"/s", Dimension::per_second, 1},
    Unit{"/m", Dimension::per_second, 1. / 60}, Unit{"B", Dimension::bytes, 1},
    Unit{"KB", Dimension::bytes, 1e3},          Unit{"MB", Dimension::bytes, 1e6},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The part of `text` that is a plain decimal number.
std::string_view decimal_prefix(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end > 0 && end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    ++end;
    while (end < text.size() && is_digit(text[end])) ++end;
  }
  return text.substr(0, end);
}

std::size_t significant_digits(std::string_view number) {
  std::string digits;
  for (const char c : number) {
    if (is_digit(c) && (c != '0' || !digits.empty())) digits += c;
  }
  if (number.find('.') == std::string_view::npos) {
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
  }
  return digits.size();
}

double in_base(std::string_view number, double value, const Unit& unit) {
  if (unit.dimension == Dimension::share) return read_hundredths(number).value_or(value / 100);
  return unit.name == "/m" ? value / 60 : value * unit.base;
}

std::optional<std::string> scaled_text(double value, double scale, std::string_view unit) {
  for (const int digits : {15, 14, 13, 12, 16}) {
    std::array<char, 64> buffer{};
    const double scaled = value * scale;
    const int before = scaled >= 1 ? static_cast<int>(std::log10(scaled)) + 1 : 0;
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), scaled,
                                       std::chars_format::fixed, std::max(0, digits - before));
    if (written.ec != std::errc{}) continue;
    std::string text(buffer.data(), written.ptr);
    if (text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    const NumberRead read = read_number(text + std::string(unit));
    if (read.measured && read.measured->quantity.value == value) {
      return text + std::string(unit);
    }
  }
  return std::nullopt;
}

std::string time_text(double value) {
  const Duration duration{std::llround(value * 1e9)};
  return format_duration(duration);
}

std::string bytes_text(double value) {
  if (value >= 1e6 && std::fmod(value, 1e6) == 0) return decimal_text(value / 1e6) + "MB";
  if (value >= 1e3 && std::fmod(value, 1e3) == 0) return decimal_text(value / 1e3) + "KB";
  return decimal_text(value) + "B";
}

}  // namespace

std::optional<double> read_decimal(std::string_view text) {
  if (text.empty() || decimal_prefix(text) != text || significant_digits(text) > kDigitsMax ||
      text.size() > 40) {
    return std::nullopt;
  }
  double value = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (read.ec != std::errc{} || value > kLargest) return std::nullopt;
  return value;
}

std::optional<double> read_hundredths(std::string_view text) {
  if (!read_decimal(text)) return std::nullopt;
  const std::string scaled = std::string(text) + "e-2";
  double value = 0;
  const auto read = std::from_chars(scaled.data(), scaled.data() + scaled.size(), value);
  if (read.ec != std::errc{}) return std::nullopt;
  return value;
}

NumberRead read_number(std::string_view text) {
  const std::string_view number = decimal_prefix(text);
  const std::string_view unit = text.substr(number.size());
  if (number.empty() || unit.starts_with('.') || unit.starts_with('_')) {
    return {std::nullopt, NumberFault::not_a_number};
  }
  if (significant_digits(number) > kDigitsMax) return {std::nullopt, NumberFault::too_precise};
  const auto value = read_decimal(number);
  if (!value) return {std::nullopt, NumberFault::too_large};
  if (unit.empty()) return {Measured{{*value, Dimension::count}, std::nullopt}, {}};
  for (const Unit& known : kUnits) {
    if (unit != known.name) continue;
    return {Measured{{in_base(number, *value, known), known.dimension}, std::nullopt}, {}};
  }
  if (unit.front() == '%' || unit.front() == '/') return {std::nullopt, NumberFault::unknown_unit};
  if (const auto duration = parse_duration(text)) {
    return {Measured{{seconds(*duration), Dimension::duration}, duration}, {}};
  }
  return {std::nullopt, NumberFault::unknown_unit};
}

std::string decimal_text(double value) {
  std::array<char, 400> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), written.ptr};
}

std::string percent_text(double share) {
  std::string text = scaled_text(share, 100, "%").value_or(decimal_text(share * 100) + "%");
  text.pop_back();
  return text;
}

std::string quantity_text(const Quantity& quantity) {
  const double value = quantity.value;
  switch (quantity.dimension) {
    case Dimension::share:
      return percent_text(value) + "%";
    case Dimension::points: {
      const std::string number = percent_text(value);
      return number + (number == "1" ? " point" : " points");
    }
    case Dimension::duration:
      return time_text(value);
    case Dimension::per_second:
      if (auto text = scaled_text(value, 1, "/s")) return *text;
      return scaled_text(value, 60, "/m").value_or(decimal_text(value) + "/s");
    case Dimension::bytes:
      return bytes_text(value);
    case Dimension::count:
      break;
  }
  return decimal_text(value);
}

std::string_view described(Dimension dimension) {
  switch (dimension) {
    case Dimension::share:
      return "a share";
    case Dimension::points:
      return "a difference of shares";
    case Dimension::duration:
      return "a duration";
    case Dimension::per_second:
      return "a rate per second";
    case Dimension::bytes:
      return "a size";
    case Dimension::count:
      break;
  }
  return "a plain number";
}

std::optional<double> unit_in_name(std::string_view name, Dimension dimension) {
  struct Suffix {
    std::string_view text;
    Dimension dimension;
    double base;
  };
  static constexpr std::array kSuffixes = {
      Suffix{"_ms", Dimension::duration, 1e-3}, Suffix{"_milliseconds", Dimension::duration, 1e-3},
      Suffix{"_us", Dimension::duration, 1e-6}, Suffix{"_microseconds", Dimension::duration, 1e-6},
      Suffix{"_s", Dimension::duration, 1},     Suffix{"_seconds", Dimension::duration, 1},
      Suffix{"_bytes", Dimension::bytes, 1},    Suffix{"_kb", Dimension::bytes, 1e3},
      Suffix{"_mb", Dimension::bytes, 1e6},     Suffix{"_percent", Dimension::share, 1e-2},
      Suffix{"_ratio", Dimension::share, 1},
  };
  for (const Suffix& suffix : kSuffixes) {
    if (dimension == suffix.dimension && name.ends_with(suffix.text)) return suffix.base;
  }
  return std::nullopt;
}

}  // namespace belay::rules
