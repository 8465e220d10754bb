#include "rules/rollout/judged_text.h"

#include <chrono>

#include "rules/language/rule_check.h"

namespace belay::rules {
namespace {

std::int64_t milliseconds(Duration duration) { return duration / std::chrono::milliseconds{1}; }

JsonText text_of(const Evidence& evidence) {
  JsonText text;
  text.field("what", evidence.what);
  if (evidence.has_value) text.field("value", evidence.value);
  text.field("threshold", evidence.threshold)
      .field("compare", sign_of(evidence.compare))
      .field("dimension", name_of(evidence.dimension))
      .field("numerator", static_cast<std::int64_t>(evidence.numerator))
      .field("denominator", static_cast<std::int64_t>(evidence.denominator));
  if (evidence.samples_min)
    text.field("samples_min", static_cast<std::int64_t>(*evidence.samples_min));
  text.field("window_ms", milliseconds(evidence.window));
  if (evidence.by_wall_time) text.field("wall_time", true);
  text.field("truth", name_of(evidence.truth));
  if (evidence.unknown) text.field("unknown", name_of(*evidence.unknown));
  if (evidence.of_events) text.field("of_events", true);
  if (!evidence.note.empty()) text.field("note", evidence.note);
  return text;
}

JsonText text_of(const RuleStatus& status) {
  JsonText text;
  text.field("rule", status.rule)
      .field("sentence", status.sentence)
      .field("then", then_text(status.then))
      .field("severity", name_of(status.severity))
      .field("truth", name_of(status.truth));
  if (status.unknown) text.field("unknown", name_of(*status.unknown));
  text.field("firing", status.firing);
  if (status.bad_since) text.field("bad_since_ms", unix_ms(*status.bad_since));
  if (status.firing_since) text.field("firing_since_ms", unix_ms(*status.firing_since));
  if (status.was_bad_before) text.field("was_bad_before", true);
  text.field("evidence", evidence_texts(status.evidence));
  return text;
}

}  // namespace

std::vector<JsonText> evidence_texts(const std::vector<Evidence>& evidence) {
  std::vector<JsonText> texts;
  texts.reserve(evidence.size());
  for (const Evidence& one : evidence) texts.push_back(text_of(one));
  return texts;
}

std::vector<JsonText> rule_texts(const std::vector<RuleStatus>& rules) {
  std::vector<JsonText> texts;
  texts.reserve(rules.size());
  for (const RuleStatus& rule : rules) texts.push_back(text_of(rule));
  return texts;
}

std::string judged_text(const std::string& rollout, Outcome verdict,
                        const std::vector<RuleStatus>& rules) {
  return JsonText()
      .field("rollout", rollout)
      .field("verdict", name_of(verdict))
      .field("rules", rule_texts(rules))
      .take();
}

}  // namespace belay::rules
