#include "monitor/rollout_text.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "monitor/journal_text.h"
#include "monitor/json_fields.h"

namespace belay::monitor {
namespace {

using nlohmann::json;
using rules::JournalEntry;
using Kind = rules::JournalEntry::Kind;

std::optional<rules::Mode> mode_of(std::string_view name) {
  for (const rules::Mode mode :
       {rules::Mode::observe, rules::Mode::recommend, rules::Mode::enforce}) {
    if (rules::name_of(mode) == name) return mode;
  }
  return std::nullopt;
}

std::optional<rules::Outcome> outcome_of(std::string_view name) {
  for (const rules::Outcome outcome :
       {rules::Outcome::pass, rules::Outcome::fail, rules::Outcome::unknown}) {
    if (rules::name_of(outcome) == name) return outcome;
  }
  return std::nullopt;
}

}  // namespace

Result<rules::RolloutStarted> rollout_started_of(const JournalEntry& started) {
  const json object = parsed(started.text);
  if (!object.is_object()) return unreadable(started, "text");
  rules::RolloutStarted rollout{.at = started.at,
                                .service = started.service,
                                .candidate = text_in(object, "candidate"),
                                .baseline = text_in(object, "baseline"),
                                .id = text_in(object, "rollout"),
                                .is_driving = is_set_in(object, "driving"),
                                .is_irreversible = is_set_in(object, "irreversible"),
                                .train = text_in(object, "train"),
                                .commit = text_in(object, "commit"),
                                .committed_at = instant_in(object, "committed_at_ms"),
                                .by = text_in(object, "by"),
                                .mode = mode_of(text_in(object, "mode"))};
  if (rollout.id.empty()) return unreadable(started, "rollout");
  if (rollout.candidate.empty()) return unreadable(started, "candidate");
  // A mode that cannot be read must not become the service's own, which may act where it did not.
  if (object.contains("mode") && !rollout.mode) return unreadable(started, "mode");
  Result<std::vector<rules::RolloutStep>> steps = rules::parse_steps(text_in(object, "steps"));
  if (!steps.ok()) return unreadable(started, "steps");
  rollout.steps = std::move(steps).value();
  return rollout;
}

Status follow(const JournalEntry& moved, rules::RememberedRollout& rollout) {
  const json object = parsed(moved.text);
  if (!object.is_object()) return unreadable(moved, "text");
  const auto state = rules::rollout_state_of(text_in(object, "state"));
  const auto verdict = outcome_of(text_in(object, "verdict"));
  const auto step_started = instant_in(object, "step_started_ms");
  if (!state) return unreadable(moved, "state");
  if (!verdict) return unreadable(moved, "verdict");
  if (!step_started) return unreadable(moved, "step_started_ms");
  const std::string held = text_in(object, "held");
  const auto reason = rules::hold_reason_of(held);
  if (!held.empty() && !reason) return unreadable(moved, "held");
  const auto step = number_in<std::size_t>(object, "step");
  if (step >= rollout.started.steps.size()) return unreadable(moved, "step");
  rollout.at = moved.at;
  rollout.state = *state;
  rollout.held = reason;
  rollout.step = step;
  rollout.step_started = *step_started;
  rollout.is_paused = is_set_in(object, "paused");
  rollout.is_approved = is_set_in(object, "approved");
  rollout.rule = text_in(object, "rule");
  rollout.verdict = *verdict;
  rollout.why = text_in(object, "why");
  return Done{};
}

Result<rules::Silenced> silenced_of(const JournalEntry& silenced) {
  const json object = parsed(silenced.text);
  if (!object.is_object()) return unreadable(silenced, "text");
  const auto until = instant_in(object, "until_ms");
  if (!until) return unreadable(silenced, "until_ms");
  return rules::Silenced{.at = silenced.at,
                         .service = silenced.service,
                         .rule = silenced.rule,
                         .until = *until,
                         .by = text_in(object, "by")};
}

RolloutMarks rollout_marks_of(const JournalEntry& entry) {
  switch (entry.kind) {
    case Kind::rollout_started:
    case Kind::rollout_moved:
    case Kind::rollout_ended:
    case Kind::commanded:
    case Kind::intent:
      break;
    default:
      return {};
  }
  const json object = parsed(entry.text);
  if (!object.is_object()) return {};
  const bool is_of_state = entry.kind == Kind::rollout_moved || entry.kind == Kind::rollout_ended;
  const bool is_promoted =
      is_of_state && text_in(object, "state") == name_of(rules::RolloutState::promoted);
  return {.rollout = text_in(object, "rollout"),
          .promoted = is_promoted ? text_in(object, "candidate") : std::string()};
}

}  // namespace belay::monitor
