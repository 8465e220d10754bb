#include "exporters/recorded.h"

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "exporters/json_fields.h"
#include "rules/language/parser.h"

namespace belay::exporters {
namespace {

using nlohmann::json;
using rules::Compare;
using rules::Dimension;
using rules::Truth;
using rules::UnknownKind;

constexpr std::array kUnknownKinds = {UnknownKind::error,      UnknownKind::blind,
                                      UnknownKind::sampled,    UnknownKind::lagging,
                                      UnknownKind::no_traffic, UnknownKind::warming,
                                      UnknownKind::no_latency, UnknownKind::no_baseline};
constexpr std::array kTruths = {Truth::fine, Truth::bad, Truth::unknown};
constexpr std::array kDimensions = {Dimension::share,      Dimension::points, Dimension::duration,
                                    Dimension::per_second, Dimension::count,  Dimension::bytes};
constexpr std::array kCompares = {Compare::greater, Compare::greater_equal, Compare::less,
                                  Compare::less_equal};

/// The one of `all` that `name_of` calls so.
template <typename Enum, std::size_t Count, typename NameOf>
std::optional<Enum> named(const std::array<Enum, Count>& all, std::string_view name,
                          NameOf name_of) {
  for (const Enum one : all)
    if (name_of(one) == name) return one;
  return std::nullopt;
}

std::optional<UnknownKind> unknown_in(const json& object) {
  return named(kUnknownKinds, text_in(object, "unknown"),
               [](UnknownKind kind) { return std::string_view(name_of(kind)); });
}

Truth truth_in(const json& object) {
  return named(kTruths, text_in(object, "truth"),
               [](Truth truth) { return std::string_view(name_of(truth)); })
      .value_or(Truth::unknown);
}

rules::Evidence evidence_of(const json& object) {
  rules::Evidence evidence;
  evidence.what = text_in(object, "what");
  evidence.has_value = object.contains("value");
  evidence.value = number_in<double>(object, "value");
  evidence.threshold = number_in<double>(object, "threshold");
  evidence.compare = named(kCompares, text_in(object, "compare"), [](Compare compare) {
                       return std::string_view(sign_of(compare));
                     }).value_or(Compare::greater);
  evidence.dimension = named(kDimensions, text_in(object, "dimension"), [](Dimension dimension) {
                         return std::string_view(name_of(dimension));
                       }).value_or(Dimension::count);
  evidence.numerator = number_in<std::uint64_t>(object, "numerator");
  evidence.denominator = number_in<std::uint64_t>(object, "denominator");
  if (object.contains("samples_min"))
    evidence.samples_min = number_in<std::uint64_t>(object, "samples_min");
  evidence.window = std::chrono::milliseconds{number_in<std::int64_t>(object, "window_ms")};
  evidence.by_wall_time = is_set_in(object, "wall_time");
  evidence.truth = truth_in(object);
  evidence.unknown = unknown_in(object);
  evidence.of_events = is_set_in(object, "of_events");
  evidence.note = text_in(object, "note");
  return evidence;
}

rules::RuleStatus rule_of(const json& object, const std::string& service) {
  rules::RuleStatus status;
  status.service = service;
  status.rule = text_in(object, "rule");
  status.sentence = text_in(object, "sentence");
  const auto then = rules::parse_then(text_in(object, "then"));
  if (const auto* parsed_then = std::get_if<rules::Then>(&then)) status.then = *parsed_then;
  const bool is_warning = text_in(object, "severity") == name_of(rules::Severity::warning);
  status.severity = is_warning ? rules::Severity::warning : rules::Severity::critical;
  status.truth = truth_in(object);
  status.unknown = unknown_in(object);
  status.firing = is_set_in(object, "firing");
  status.bad_since = instant_in(object, "bad_since_ms");
  status.firing_since = instant_in(object, "firing_since_ms");
  status.was_bad_before = is_set_in(object, "was_bad_before");
  status.evidence = evidence_in(object);
  return status;
}

}  // namespace

std::vector<rules::Deployment::Share> shares_in(const json& object, const char* key) {
  std::vector<rules::Deployment::Share> shares;
  for (const json& one : array_in(object, key))
    if (one.is_object())
      shares.push_back({text_in(one, "version"), number_in<double>(one, "percent")});
  return shares;
}

std::vector<rules::Evidence> evidence_in(const json& object) {
  std::vector<rules::Evidence> all;
  for (const json& one : array_in(object, "evidence"))
    if (one.is_object()) all.push_back(evidence_of(one));
  return all;
}

Judged judged_in(const rules::JournalEntry& judged) {
  Judged result;
  const json object = parsed(judged.text);
  if (!object.is_object()) return result;
  for (const json& one : array_in(object, "rules"))
    if (one.is_object()) result.rules.push_back(rule_of(one, judged.service));
  return result;
}

rules::LostEvidence::Spell lost_in(const rules::JournalEntry& lost) {
  const json object = parsed(lost.text);
  rules::LostEvidence::Spell spell;
  spell.since = lost.at;
  if (!object.is_object()) return spell;
  spell.source = text_in(object, "source");
  spell.what = text_in(object, "what");
  spell.since = instant_in(object, "since_ms").value_or(lost.at);
  spell.until = instant_in(object, "until_ms");
  spell.reason = text_in(object, "reason");
  spell.lost = number_in<std::uint64_t>(object, "lost");
  return spell;
}

std::optional<rules::ActionOutcome::Phase> phase_named(std::string_view name) {
  using Phase = rules::ActionOutcome::Phase;
  constexpr std::array kPhases = {Phase::applied,  Phase::already,  Phase::superseded,
                                  Phase::conflict, Phase::rejected, Phase::unknown,
                                  Phase::abandoned};
  return named(kPhases, name, [](Phase phase) { return rules::name_of(phase); });
}

}  // namespace belay::exporters
