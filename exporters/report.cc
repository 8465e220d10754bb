#include "exporters/report.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "exporters/journal_words.h"
#include "exporters/json_fields.h"
#include "exporters/recorded.h"
#include "rules/rollout/rollout_record.h"
#include "rules/rollout/train.h"

namespace belay::exporters {
namespace {

using nlohmann::json;
using rules::JournalEntry;
using rules::RolloutState;
using Kind = JournalEntry::Kind;

bool was_done(const Report::Action& action) {
  return action.phase && rules::was_done(*action.phase);
}

/// Goes through the entries of one rollout, oldest first.
class Composer {
 public:
  explicit Composer(Report& report) : report_(report) {}

  void take(const JournalEntry& entry) {
    switch (entry.kind) {
      case Kind::rollout_moved:
      case Kind::rollout_ended:
        move(entry);
        break;
      case Kind::intent:
        begin(entry);
        break;
      case Kind::outcome:
        end(entry);
        break;
      case Kind::verified:
        verify(entry);
        break;
      case Kind::judged:
        report_.rollout.rules = judged_in(entry).rules;
        report_.has_evidence = true;
        return;
      case Kind::evidence_lost:
        lose(entry);
        return;
      case Kind::notice:
        if (!tells_more(entry)) return;
        leave(entry);
        break;
      default:
        break;
    }
    note(entry);
  }

 private:
  /// What two entries of one moment say alike is told once.
  void note(const JournalEntry& entry) {
    std::string words = words_of(entry);
    if (words.empty()) return;
    const auto& told = report_.timeline;
    const bool is_told = !told.empty() && told.back().at == entry.at && told.back().what == words;
    if (!is_told) report_.timeline.push_back({entry.at, std::move(words)});
  }

  void move(const JournalEntry& entry) {
    const json object = parsed(entry.text);
    const auto state = rules::rollout_state_of(text_in(object, "state"));
    const bool is_taken_back = entry.rule == rules::kTrainRule && !was_taken_back_;
    if (!state || is_judged(*state) || (report_.decided && !is_taken_back)) return;
    was_taken_back_ = entry.rule == rules::kTrainRule;
    report_.decided = entry.at;
    report_.decided_by = text_in(object, "why");
  }

  void leave(const JournalEntry& notice) {
    const std::string why = text_in(parsed(notice.text), "why");
    if (!why.empty()) report_.why_not_acted = why;
  }

  void begin(const JournalEntry& entry) {
    report_.actions.push_back({.intent = entry.intent,
                               .kind = text_in(parsed(entry.text), "kind"),
                               .words = words_of(entry),
                               .at = entry.at});
  }

  Report::Action* action_of(const JournalEntry& entry) {
    const auto found = std::find_if(report_.actions.begin(), report_.actions.end(),
                                    [&](const auto& one) { return one.intent == entry.intent; });
    return found == report_.actions.end() ? nullptr : &*found;
  }

  void end(const JournalEntry& entry) {
    Report::Action* action = action_of(entry);
    if (action == nullptr) return;
    const json object = parsed(entry.text);
    action->phase = phase_named(text_in(object, "phase"));
    action->detail = text_in(object, "detail");
    action->by_hand = text_in(object, "by_hand");
    if (action->phase && is_final(*action->phase)) action->ended = entry.at;
  }

  void verify(const JournalEntry& entry) {
    Report::Action* action = action_of(entry);
    if (action == nullptr) return;
    const json object = parsed(entry.text);
    action->verified = text_in(object, "result");
    action->verified_at = entry.at;
    action->why = text_in(object, "why");
    action->evidence = evidence_in(object);
  }

  /// A spell that is over is told twice: once when it begins.
  void lose(const JournalEntry& entry) {
    rules::LostEvidence::Spell spell = lost_in(entry);
    const auto same = std::find_if(report_.lost.begin(), report_.lost.end(),
                                   [&](const rules::LostEvidence::Spell& one) {
                                     return one.source == spell.source && one.what == spell.what &&
                                            one.reason == spell.reason && one.since == spell.since;
                                   });
    if (same != report_.lost.end()) {
      *same = std::move(spell);
    } else {
      note(entry);
      report_.lost.push_back(std::move(spell));
    }
  }

  Report& report_;
  bool was_taken_back_ = false;  // With its train: what was decided of itself counts no more.
};

/// What a command is filled with.
rules::Notice about(const Report& report) {
  rules::Notice notice;
  notice.service = report.rollout.service;
  notice.candidate = report.rollout.candidate;
  notice.baseline = report.rollout.baseline;
  return notice;
}

}  // namespace

Report compose_report(const ReportParts& parts) {
  Report report;
  const rules::RolloutRecord record(parts.known, parts.known.started.service, parts.mode);
  report.rollout = record.status();
  report.is_cut = parts.is_cut;
  Composer composer(report);
  for (const JournalEntry& entry : parts.entries) composer.take(entry);
  if (!report.decided && parts.live != nullptr) {
    report.rollout = *parts.live;
    report.has_evidence = true;
  }
  report.rollout.timeline.clear();
  // What speaks against it comes first.
  const auto weight = [](const rules::RuleStatus& rule) {
    if (rule.firing) return 0;
    if (rule.truth == rules::Truth::bad) return 1;
    return rule.truth == rules::Truth::unknown ? 2 : 3;
  };
  std::stable_sort(report.rollout.rules.begin(), report.rollout.rules.end(),
                   [&](const rules::RuleStatus& left, const rules::RuleStatus& right) {
                     return weight(left) < weight(right);
                   });
  const bool has_undo = std::any_of(
      report.actions.begin(), report.actions.end(),
      [](const Report::Action& one) { return one.kind == "rollback" && was_done(one); });
  if (has_undo) report.commands.undo = filled(parts.commands.undo, about(report));
  report.commands.logs = filled(parts.commands.logs, about(report));
  return report;
}

std::optional<Duration> Report::time_to_detect() const {
  // One that ended otherwise may have been bad as well: nobody has detected that.
  const bool has_failed = rollout.verdict == rules::Outcome::fail;
  if (!decided || !rollout.failing_since || !has_failed) return std::nullopt;
  return *decided - *rollout.failing_since;
}

std::optional<Duration> Report::time_to_act() const {
  if (!decided || !rollout.failing_since) return std::nullopt;
  for (const Action& action : actions)
    if (action.kind != "move" && was_done(action) && action.ended && *action.ended >= *decided)
      return *action.ended - *decided;
  return std::nullopt;
}

std::optional<Duration> Report::time_to_recover() const {
  if (rollout.state != RolloutState::recovered || !rollout.failing_since || !rollout.ended)
    return std::nullopt;
  return *rollout.ended - *rollout.failing_since;
}

std::string verdict_of(const Report& report) {
  const bool failed = report.rollout.verdict == rules::Outcome::fail;
  const std::string fail = report.rollout.rule == rules::kTrainRule ? "Its train failed" : "Failed";
  switch (report.rollout.state) {
    case RolloutState::promoted:
      return "Passed";
    case RolloutState::failed:
      return fail + ", and nothing was done";
    case RolloutState::rolling_back:
      return fail + ", and an action is on its way";
    case RolloutState::verifying:
      return fail + "; something was done, and is being verified";
    case RolloutState::recovered:
      return fail + ", and what was done helped";
    case RolloutState::not_recovered:
      return fail + ", and what was done did not help: it may not be the deploy";
    case RolloutState::inconclusive:
      return failed ? fail + ", and nobody can say whether what was done helped"
                    : "Unknown: nobody can say what it is worth";
    case RolloutState::superseded:
      return failed ? fail + ", and someone else has deployed"
                    : "Unknown: someone else has deployed, or a newer rollout began";
    case RolloutState::aborted:
      return "Unknown: an operator ended it";
    case RolloutState::held:
      return "Not decided: it is held" +
             (report.rollout.held ? " (" + std::string(name_of(*report.rollout.held)) + ")" : "");
    case RolloutState::pending:
    case RolloutState::preflight:
    case RolloutState::baking:
      break;
  }
  return "Not decided: " + std::string(name_of(report.rollout.state));
}

}  // namespace belay::exporters
