#include "rules/language/words.h"

#include <algorithm>
#include <array>

#include "base/suggest.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

constexpr std::array<std::string_view, 50> kKeywords = {
    "active",   "and",     "baseline", "by",       "candidate",  "confidence",  "cpu",    "data",
    "delayed",  "depth",   "else",     "error",    "exceptions", "fail",        "failed", "fails",
    "failure",  "for",     "from",     "growth",   "hold",       "invocations", "jobs",   "last",
    "latency",  "max",     "mean",     "metric",   "min",        "no",          "of",     "oldest",
    "or",       "over",    "point",    "points",   "probe",      "prometheus",  "queue",  "rate",
    "requests", "retries", "samples",  "sampling", "stalled",    "sum",         "than",   "waiting",
    "worse",    "x"};

constexpr std::array<std::string_view, 5> kLabels = {"route", "method", "status", "outcome",
                                                     "type"};
constexpr std::array<std::string_view, 7> kGauges = {"depth",  "waiting", "active", "delayed",
                                                     "failed", "oldest",  "value"};
constexpr std::array<std::string_view, 4> kAggregates = {"mean", "max", "sum", "last"};
constexpr std::array<std::string_view, 4> kFloors = {"requests", "invocations", "samples", "jobs"};

template <typename Enum, std::size_t N>
std::optional<Enum> index_in(const std::array<std::string_view, N>& words, std::string_view word,
                             std::size_t count = N) {
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(count);
  const auto found = std::find(words.begin(), end, word);
  if (found == end) return std::nullopt;
  return static_cast<Enum>(found - words.begin());
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

bool is_identifier(std::string_view text) {
  if (text.empty() || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; });
}

bool is_keyword(std::string_view word) {
  return quantile_shape(word) ||
         std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

std::optional<double> quantile_shape(std::string_view word) {
  if (word.size() < 2 || word.size() > 10 || word.front() != 'p' || !is_digit(word[1])) return {};
  return read_hundredths(word.substr(1));
}

std::string suggest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto found = nearest(lower, candidates);
  return found ? std::string(*found) : std::string();
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string name_text(std::string_view name) {
  return is_identifier(name) && !is_keyword(name) ? std::string(name) : quote(name);
}

std::string_view word_of(LabelName name) { return kLabels[static_cast<std::size_t>(name)]; }
std::optional<LabelName> label_name(std::string_view word) {
  return index_in<LabelName>(kLabels, word);
}
std::span<const std::string_view> label_names() { return kLabels; }

std::string_view word_of(GaugeMeasure::Kind kind) {
  return kGauges[static_cast<std::size_t>(kind)];
}
std::optional<GaugeMeasure::Kind> queue_gauge(std::string_view word) {
  return index_in<GaugeMeasure::Kind>(kGauges, word, kGauges.size() - 1);
}

std::string_view word_of(AggregateMeasure::Kind kind) {
  return kAggregates[static_cast<std::size_t>(kind)];
}
std::string_view word_of(Floor floor) { return kFloors[static_cast<std::size_t>(floor)]; }
std::optional<Floor> floor_unit(std::string_view word) { return index_in<Floor>(kFloors, word); }

}  // namespace belay::rules
