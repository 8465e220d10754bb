#include "monitor/rollout_text.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "exporters/json_fields.h"
#include "exporters/recorded.h"
#include "monitor/journal_text.h"
#include "monitor/mode_named.h"

namespace belay::monitor {
namespace {

using exporters::array_in;
using exporters::instant_in;
using exporters::is_set_in;
using exporters::number_in;
using exporters::parsed;
using exporters::text_in;
using exporters::texts_in;

using nlohmann::json;
using rules::JournalEntry;
using Kind = rules::JournalEntry::Kind;

std::optional<rules::Outcome> outcome_of(std::string_view name) {
  for (const rules::Outcome outcome :
       {rules::Outcome::pass, rules::Outcome::fail, rules::Outcome::unknown}) {
    if (rules::name_of(outcome) == name) return outcome;
  }
  return std::nullopt;
}

std::vector<rules::TopFailure> failures_in(const json& object, const char* key) {
  std::vector<rules::TopFailure> failures;
  for (const json& one : array_in(object, key)) {
    if (!one.is_object()) continue;
    failures.push_back({.name = text_in(one, "name"),
                        .bad = number_in<std::uint64_t>(one, "bad"),
                        .total = number_in<std::uint64_t>(one, "total")});
  }
  return failures;
}

rules::PairCounts counts_in(const json& object, const std::string& prefix) {
  const auto count = [&](const char* name) {
    return number_in<std::uint64_t>(object, (prefix + name).c_str());
  };
  rules::PairCounts counts;
  counts[rules::Role::candidate] = {count("candidate_bad"), count("candidate_total")};
  counts[rules::Role::baseline] = {count("baseline_bad"), count("baseline_total")};
  return counts;
}

rules::Truth truth_of(std::string_view name) {
  for (const rules::Truth truth : {rules::Truth::fine, rules::Truth::bad}) {
    if (rules::name_of(truth) == name) return truth;
  }
  return rules::Truth::unknown;
}

/// What cannot be read was not known: then the rule counts only after it was fine.
std::vector<rules::RuleBefore> before_in(const json& entry) {
  std::vector<rules::RuleBefore> before;
  for (const json& one : array_in(entry, "before")) {
    if (!one.is_object()) continue;
    rules::RuleBefore rule{.rule = text_in(one, "rule"),
                           .sentence = text_in(one, "sentence"),
                           .truth = truth_of(text_in(one, "truth"))};
    for (const json& value : array_in(one, "values")) {
      if (!value.is_object()) continue;
      rules::Evidence evidence;
      evidence.truth = truth_of(text_in(value, "truth"));
      evidence.has_value = value.contains("value");
      evidence.value = number_in<double>(value, "value");
      evidence.threshold = number_in<double>(value, "threshold");
      evidence.numerator = number_in<std::uint64_t>(value, "numerator");
      evidence.denominator = number_in<std::uint64_t>(value, "denominator");
      rule.evidence.push_back(evidence);
    }
    before.push_back(std::move(rule));
  }
  return before;
}

std::map<std::string, double> depths_in(const json& entry) {
  std::map<std::string, double> depths;
  const auto found = entry.find("queues_before");
  if (found == entry.end() || !found->is_object()) return depths;
  for (const auto& [queue, depth] : found->items()) {
    if (depth.is_number()) depths[queue] = depth.get<double>();
  }
  return depths;
}

rules::TrafficSeen traffic_in(const json& entry) {
  const auto found = entry.find("traffic");
  if (found == entry.end() || !found->is_object()) return {};
  return {.deployment = text_in(*found, "deployment"),
          .shares = exporters::shares_in(*found, "shares"),
          .at_start = texts_in(*found, "at_start").value_or(std::vector<std::string>{}),
          .was_live = is_set_in(*found, "was_live")};
}

/// For people: one that cannot be read is as if it had not been written.
std::optional<rules::RolloutNumbers> numbers_in(const json& entry) {
  const auto found = entry.find("numbers");
  if (found == entry.end() || !found->is_object()) return std::nullopt;
  const json& object = *found;
  rules::RolloutNumbers numbers;
  const std::string compared = text_in(object, "compared");
  for (std::size_t i = 0; i < rules::kComparedMetrics; ++i) {
    const auto metric = static_cast<rules::Compared>(i);
    if (compared == rules::name_of(metric)) numbers.compared = metric;
  }
  numbers.window = std::chrono::milliseconds{number_in<std::int64_t>(object, "window_ms")};
  numbers.counts = counts_in(object, "");
  numbers.since_start = counts_in(object, "since_start_");
  numbers.odds = number_in<double>(object, "odds");
  numbers.odds_limit = number_in<double>(object, "odds_limit");
  numbers.margin = number_in<double>(object, "margin");
  numbers.traffic = number_in<double>(object, "traffic");
  numbers.share = number_in<double>(object, "share");
  numbers.allowed = number_in<double>(object, "allowed");
  numbers.excess = number_in<double>(object, "excess");
  numbers.interval = {number_in<double>(object, "low"), number_in<double>(object, "high")};
  numbers.routes = failures_in(object, "routes");
  numbers.reasons = failures_in(object, "reasons");
  numbers.exceptions = failures_in(object, "exceptions");
  return numbers;
}

}  // namespace

Result<rules::RememberedRollout> rollout_of(const JournalEntry& started) {
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
                                .after = texts_in(object, "after"),
                                .takes_all_back = is_set_in(object, "takes_all_back"),
                                .train_began = instant_in(object, "train_began_ms"),
                                .commit = text_in(object, "commit"),
                                .committed_at = instant_in(object, "committed_at_ms"),
                                .by = text_in(object, "by"),
                                .mode = mode_named(text_in(object, "mode"))};
  if (rollout.id.empty()) return unreadable(started, "rollout");
  if (rollout.candidate.empty()) return unreadable(started, "candidate");
  // A mode that cannot be read must not become the service's own, which may act where it did not.
  if (object.contains("mode") && !rollout.mode) return unreadable(started, "mode");
  Result<std::vector<rules::RolloutStep>> steps = rules::parse_steps(text_in(object, "steps"));
  if (!steps.ok()) return unreadable(started, "steps");
  rollout.steps = std::move(steps).value();
  return rules::RememberedRollout{.started = std::move(rollout),
                                  .is_mode_asked = is_set_in(object, "mode_asked"),
                                  .at = started.at,
                                  .step_started = started.at};
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
  rollout.numbers = numbers_in(object);
  rollout.failing_since = instant_in(object, "failing_since_ms");
  rollout.before = before_in(object);
  rollout.queues_before = depths_in(object);
  rollout.traffic = traffic_in(object);
  return Done{};
}

Result<rules::RememberedRollout> known_rollout_of(const std::vector<rules::JournalEntry>& entries) {
  rules::RememberedRollout known;
  for (const rules::JournalEntry& entry : entries) {
    if (entry.kind == rules::JournalEntry::Kind::rollout_started) {
      Result<rules::RememberedRollout> begun = rollout_of(entry);
      if (!begun) return begun.error();
      known = std::move(begun).value();
    } else if (entry.kind == rules::JournalEntry::Kind::rollout_moved ||
               entry.kind == rules::JournalEntry::Kind::rollout_ended) {
      if (const Status followed = follow(entry, known); !followed) return followed.error();
    } else if (entry.kind == rules::JournalEntry::Kind::intent) {
      known.intents.push_back(entry.intent);
    }
  }
  if (known.started.id.empty()) return Error{Error::Kind::not_found, "its beginning is not there"};
  return known;
}

Result<rules::EndedRollout> ended_rollout_of(const JournalEntry& ended) {
  const json object = parsed(ended.text);
  if (!object.is_object()) return unreadable(ended, "text");
  const auto state = rules::rollout_state_of(text_in(object, "state"));
  const auto verdict = outcome_of(text_in(object, "verdict"));
  if (!state) return unreadable(ended, "state");
  if (!verdict) return unreadable(ended, "verdict");
  return rules::EndedRollout{.state = *state,
                             .verdict = *verdict,
                             .ended = ended.at,
                             .committed_at = instant_in(object, "committed_at_ms"),
                             .failing_since = instant_in(object, "failing_since_ms")};
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
