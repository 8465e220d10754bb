#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/misnamed_requests.h"
#include "rules/judgement/names.h"
#include "rules/judgement/paired_evidence.h"
#include "rules/judgement/source_record.h"
#include "rules/judgement/window_store.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// "Fine needs coverage": the share of a window for which its sources must have been alive.
inline constexpr double kCoverageMin = 0.8;

/// The last answers of one probe, for "fails K of N".
struct ProbeLog {
  struct Answer {
    Instant at{};
    NameId version = kNoName;
    ProbeFailure failure = ProbeFailure::none;
    std::string detail;  ///< For people; sanitized.
    /// "timeout: no answer within 2s"; empty if it passed.
    [[nodiscard]] std::string words_of_failure() const;
  };
  static constexpr std::size_t kAnswersMax = 1024;
  /// The newest failure where the last three answers failed, whoever gave them, none of them before
  /// `since`.
  [[nodiscard]] std::optional<std::string> failure_in_row(Instant since = Instant::min()) const;
  /// are_doubtful() of the answers within [from, to], but for those that are `but`'s.
  [[nodiscard]] bool is_doubtful(Instant from, Instant to, NameId but) const;
  /// Whether the newest answer of before `from` failed, and none in [from, to) passed.
  [[nodiscard]] bool was_failing_from(Instant from, Instant to) const;
  std::deque<Answer> answers;  ///< Oldest first.
  std::map<std::string, ProbeStatus> by_version;
};

/// Everything that rules of one service can look at.
struct ServiceEvidence {
  const NameTable* names = nullptr;
  const std::vector<std::unique_ptr<SourceRecord>>* sources = nullptr;
  WindowStore windows;
  /// Indices of the sources that this service is judged on, by SourceKind; `platform` is none.
  std::array<std::vector<std::uint32_t>, 4> sources_by_kind;
  std::map<std::string, QueueStatus> queues;
  std::uint64_t queues_changed = 0;          ///< How often one came or went.
  std::map<std::uint32_t, ProbeLog> probes;  ///< By source.
  /// Candidate and baseline of the rollout that runs; none outside one.
  std::unique_ptr<PairedEvidence> paired;
  /// How many misnamed requests failed in a second before the rollout.
  StrayFailures::Usual usual_misnamed;
  /// While a rollback is watched: of what was put back.
  std::optional<MisnamedRequests> misnamed_of_restored;

  [[nodiscard]] const SourceRecord& source(std::uint32_t index) const { return *(*sources)[index]; }
  /// What is wrong with its sources of one kind now, the worst of it.
  [[nodiscard]] std::optional<UnknownKind> trouble_of(SourceKind kind, Instant now) const;
  /// Of which source that is, and what, for people: "tail is down: no such file".
  [[nodiscard]] std::string words_of_trouble(SourceKind kind, Instant now) const;
  [[nodiscard]] std::vector<std::string> names_of(SourceKind kind) const;
  /// One line for each of its logs of which not one line was of use: "source tail gave 480 lines,
  /// and none of use: 480 unknown_service".
  [[nodiscard]] std::vector<std::string> useless_logs(Instant now) const;
  /// One line for each of them whose events come from the future.
  [[nodiscard]] std::vector<std::string> clock_troubles() const;
  /// How far its sources of one kind are behind now, the most of it; in whole seconds, rounded up.
  /// Zero below one second.
  [[nodiscard]] std::chrono::seconds lag_of(SourceKind kind, Instant now) const;
  /// Whether none of its sources of one kind was away for more than a fifth of the last `over`.
  [[nodiscard]] bool is_covered(SourceKind kind, Instant now, Duration over) const;
  [[nodiscard]] const std::vector<std::uint32_t>& of_kind(SourceKind kind) const {
    return sources_by_kind[static_cast<std::size_t>(kind)];
  }
};

}  // namespace belay::rules
