#include "rules/judgement/verdict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>

namespace belay::rules {
namespace {

/// Three digits, but never an exponent: "0.127", "12.4", "1250".
std::string number(double value) {
  std::array<char, 64> buffer{};
  const bool is_big = std::fabs(value) >= 100;
  const double shown = std::clamp(value, -1e18, 1e18);
  const auto written = is_big ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), shown,
                                              std::chars_format::fixed, 0)
                              : std::to_chars(buffer.data(), buffer.data() + buffer.size(), shown,
                                              std::chars_format::general, 3);
  return {buffer.data(), written.ptr};
}

std::string duration(double value) {
  if (std::fabs(value) < 1) return number(value * 1000) + "ms";
  if (std::fabs(value) < 60) return number(value) + "s";
  const double bounded = std::clamp(value, -1e9, 1e9);
  return format_duration(std::chrono::seconds{std::llround(bounded)});
}

std::string bytes(double value) {
  if (std::fabs(value) >= 1e6) return number(value / 1e6) + "MB";
  if (std::fabs(value) >= 1e3) return number(value / 1e3) + "KB";
  return number(value) + "B";
}

std::string quantity(double value, Dimension dimension) {
  switch (dimension) {
    case Dimension::share:
      return number(value * 100) + "%";
    case Dimension::points:
      return number(value * 100) + " points";
    case Dimension::duration:
      return duration(value);
    case Dimension::per_second:
      return number(value) + "/s";
    case Dimension::count:
      return number(value);
    case Dimension::bytes:
      return bytes(value);
  }
  return number(value);
}

/// "(31 of 250)", or how many samples there are of how many wanted; empty if there is none to tell.
std::string samples(const Evidence& evidence) {
  std::string text;
  if (evidence.numerator > 0 || evidence.dimension == Dimension::share) {
    text = std::to_string(evidence.numerator) + " of " + std::to_string(evidence.denominator);
  } else if (evidence.denominator > 1) {
    text = std::to_string(evidence.denominator) + " samples";
  }
  if (evidence.samples_min && evidence.denominator < *evidence.samples_min)
    text += (text.empty() ? "needs " : ", needs ") + std::to_string(*evidence.samples_min);
  return text.empty() ? text : " (" + text + ")";
}

}  // namespace

const char* sign_of(Compare compare) {
  switch (compare) {
    case Compare::greater:
      return ">";
    case Compare::greater_equal:
      return ">=";
    case Compare::less:
      return "<";
    case Compare::less_equal:
      return "<=";
  }
  return ">";
}

const char* name_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::share:
      return "share";
    case Dimension::points:
      return "points";
    case Dimension::duration:
      return "duration";
    case Dimension::per_second:
      return "per_second";
    case Dimension::count:
      return "count";
    case Dimension::bytes:
      return "bytes";
  }
  return "count";
}

const char* name_of(Truth truth) {
  switch (truth) {
    case Truth::fine:
      return "fine";
    case Truth::bad:
      return "bad";
    case Truth::unknown:
      return "unknown";
  }
  return "unknown";
}

const char* name_of(UnknownKind kind) {
  switch (kind) {
    case UnknownKind::error:
      return "error";
    case UnknownKind::blind:
      return "blind";
    case UnknownKind::sampled:
      return "sampled";
    case UnknownKind::lagging:
      return "lagging";
    case UnknownKind::no_traffic:
      return "no_traffic";
    case UnknownKind::warming:
      return "warming";
    case UnknownKind::no_latency:
      return "no_latency";
    case UnknownKind::no_baseline:
      return "no_baseline";
  }
  return "error";
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "pass";
    case Outcome::fail:
      return "fail";
    case Outcome::unknown:
      return "unknown";
  }
  return "unknown";
}

const char* name_of(Severity severity) {
  return severity == Severity::critical ? "critical" : "warning";
}

std::string words_of(double value, Dimension dimension) { return quantity(value, dimension); }

std::string describe(const Evidence& evidence) {
  if (evidence.truth == Truth::unknown && !evidence.unknown) return "unknown (not judged yet)";
  std::string text;
  if (evidence.truth == Truth::unknown)
    text = std::string("unknown (") + name_of(*evidence.unknown) + "): ";
  text += evidence.has_value ? quantity(evidence.value, evidence.dimension) : "no value";
  text += samples(evidence);
  text += evidence.truth == Truth::bad ? " " : ", not ";
  if (evidence.truth == Truth::unknown) text.replace(text.size() - 6, 6, ", limit ");
  text.append(sign_of(evidence.compare)).append(" ");
  text += quantity(evidence.threshold, evidence.dimension);
  if (evidence.window > Duration::zero()) text += " over " + format_duration(evidence.window);
  if (evidence.by_wall_time) text += " (wall time)";
  if (!evidence.note.empty()) text += "; " + evidence.note;
  return text;
}

}  // namespace belay::rules
