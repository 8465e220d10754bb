#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "rules/judgement/service_evidence.h"

namespace belay::rules {

/// Follows, while a rollout is judged, what evidence of its service is missing: spells in which a
/// source is blind, lags, is sampled or refuses us, what its log lost on the way, and which
/// requests of the candidate came and do not count. For the journal and for people; verdicts look
/// at the sources and at these requests themselves.
class LostEvidence {
 public:
  struct Spell {
    std::string source;
    std::string what;  ///< name_of(UnknownKind), "gap", or "refused".
    Instant since{};
    std::optional<Instant> until;  ///< None while it lasts.
    std::string reason;      ///< Of a gap: "inbox_full", "reconnect", ...; of "refused": name_of.
    std::uint64_t lost = 0;  ///< Of a gap: events, at least; of "refused": requests.
  };
  /// The sources are looked at from `start` on.
  explicit LostEvidence(Instant start) : start_(start) {}

  /// At a check. What has begun and what is over since the one before; a spell that began is told
  /// once more when it is over.
  std::vector<Spell> look(const ServiceEvidence& evidence, Instant now);
  /// The rollout is not judged any more: what still lasts, as over now.
  std::vector<Spell> close(Instant now);

 private:
  /// So that a source that comes and goes every second cannot fill the journal.
  static constexpr std::size_t kSpellsMax = 100;
  using Key = std::pair<std::string, std::string>;  // Source, what or reason.
  void look_at(const SourceRecord& source, Instant now, std::vector<Spell>& told);
  void look_for_gaps(const SourceRecord& source, Instant now, std::vector<Spell>& told);
  void look_for_refused(const ServiceEvidence& evidence, Instant now, std::vector<Spell>& told);
  /// `key` had lost `total` in all.
  void grow(const Key& key, const std::string& what, std::uint64_t total, Instant now,
            std::vector<Spell>& told);

  Instant start_;
  std::map<std::string, Spell> spells_;  // By source, while they last.
  std::map<Key, Spell> gaps_;            // By source and reason, still growing.
  std::map<Key, std::uint64_t> lost_;    // Totals when looked at last.
  std::size_t begun_ = 0;
  bool has_looked_ = false;
};

}  // namespace belay::rules
