#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/time.h"
#include "exporters/notice_text.h"
#include "rules/order.h"
#include "rules/rollout/lost_evidence.h"
#include "rules/snapshot.h"

namespace belay::exporters {

/// The record of one rollout and of what was decided about it: one shape, for the terminal, for a
/// message and for a page. It is made from what the journal keeps, so it is the same after a
/// restart. Texts in it may be hostile: who shows them sanitizes.
struct Report {
  struct Moment {
    Instant at{};
    std::string what;  ///< words_of(JournalEntry).
  };
  /// Something that was done, or was to be done.
  struct Action {
    std::string intent;
    std::string kind;   ///< "rollback", "reset_flag", "run", "move"
    std::string words;  ///< "roll back from v2 to v1, because …"
    Instant at{};
    std::optional<rules::ActionOutcome::Phase> phase;  ///< None: on its way, or nobody knows.
    std::optional<Instant> ended;                      ///< When the phase became final.
    std::string detail;
    std::string by_hand;                  ///< As ActionOutcome::by_hand.
    std::optional<std::string> verified;  ///< "recovered", "not_recovered", "inconclusive"
    std::optional<Instant> verified_at;
    std::string why;                        ///< Of that.
    std::vector<rules::Evidence> evidence;  ///< Likewise.
  };

  rules::RolloutStatus rollout;  ///< With its rules; its own timeline is empty.
  std::optional<Instant> decided;
  std::string decided_by;  ///< Why, when the verdict came; what follows may have another reason.
  std::vector<Moment> timeline;
  std::vector<Action> actions;
  std::string why_not_acted;  ///< What was told last in place of an action; empty if nothing was.
  std::vector<rules::LostEvidence::Spell> lost;
  bool is_cut = false;        ///< The middle of the timeline is left out.
  bool has_evidence = false;  ///< What the verdict rests on is known, and in rollout.rules.
  ServiceCommands commands;   ///< Filled in; `undo` is empty when there is nothing to undo.

  /// How long it took from the first sign of the failure to the verdict, from there to the end of
  /// the first action that was done, and from the first sign to a verified recovery.
  [[nodiscard]] std::optional<Duration> time_to_detect() const;
  [[nodiscard]] std::optional<Duration> time_to_act() const;
  [[nodiscard]] std::optional<Duration> time_to_recover() const;
};

/// What a report is made from.
struct ReportParts {
  /// As the journal knew it last; its rollout has begun.
  const rules::RememberedRollout& known;
  rules::Mode mode{};  ///< Of the service, for a rollout of an old journal that did not say.
  const std::vector<rules::JournalEntry>& entries;  ///< Of this rollout, oldest first.
  bool is_cut = false;
  /// What the engine shows of it, while it is judged; its rules are newer than any entry.
  const rules::RolloutStatus* live = nullptr;
  ServiceCommands commands;  ///< Templates.
};
Report compose_report(const ReportParts& parts);

/// "Failed, rolled back, and it helped": the verdict in a few words of our own.
std::string verdict_of(const Report& report);

/// One page of Markdown (GitHub's). What came from outside stands in code spans only, so that no
/// route and no exception can make a heading, a link, an image or a cell of its own.
std::string markdown_of(const Report& report);
nlohmann::ordered_json json_of(const Report& report);

}  // namespace belay::exporters
