#include "rules/rollout/lost_evidence.h"

#include <chrono>

namespace belay::rules {
namespace {

/// A source that has not spoken yet is not missed before this.
constexpr Duration kStartGrace = std::chrono::seconds{10};
/// A gap is over when nothing more was lost for so long.
constexpr Duration kGapOver = std::chrono::seconds{10};
constexpr const char* kRefused = "refused";

}  // namespace

void LostEvidence::look_at(const SourceRecord& source, Instant now, std::vector<Spell>& told) {
  const std::string& name = source.plan().name;
  const std::optional<UnknownKind> trouble = source.trouble(now);
  const bool is_early = !source.was_heard() && now - start_ < kStartGrace;
  const std::string what = trouble && !is_early ? name_of(*trouble) : "";
  const auto lasting = spells_.find(name);
  if (lasting != spells_.end() && lasting->second.what != what) {
    lasting->second.until = now;
    told.push_back(lasting->second);
    spells_.erase(lasting);
  }
  if (what.empty() || spells_.contains(name) || begun_ >= kSpellsMax) return;
  ++begun_;
  Spell spell;
  spell.source = name;
  spell.what = what;
  spell.since = now;
  told.push_back(spell);
  spells_.emplace(name, std::move(spell));
}

void LostEvidence::grow(const Key& key, const std::string& what, std::uint64_t total, Instant now,
                        std::vector<Spell>& told) {
  std::uint64_t& before = lost_[key];
  // What was refused is counted from the rollout's start on; what a source lost, from its own.
  const std::uint64_t lost = has_looked_ || what == kRefused ? total - before : 0;
  before = total;
  if (lost == 0) return;
  const auto growing = gaps_.find(key);
  if (growing != gaps_.end()) {
    growing->second.lost += lost;
    growing->second.until = now;
  } else if (begun_ < kSpellsMax) {
    ++begun_;
    Spell gap{.source = key.first,
              .what = what,
              .since = now,
              .until = std::nullopt,
              .reason = key.second,
              .lost = lost};
    told.push_back(gap);
    gap.until = now;
    gaps_.emplace(key, std::move(gap));
  }
}

void LostEvidence::look_for_gaps(const SourceRecord& source, Instant now,
                                 std::vector<Spell>& told) {
  for (const auto& [reason, total] : source.lost_total())
    grow({source.plan().name, reason}, "gap", total, now, told);
}

void LostEvidence::look_for_refused(const ServiceEvidence& evidence, Instant now,
                                    std::vector<Spell>& told) {
  if (evidence.paired == nullptr) return;
  const RefusedRequests& refused = evidence.paired->refused();
  const std::string of = "requests of " + evidence.names->text(evidence.paired->candidate());
  for (std::size_t i = 1; i < kRefusals; ++i) {
    const auto why = static_cast<Refusal>(i);
    if (refused.total(why) > 0) grow({of, name_of(why)}, kRefused, refused.total(why), now, told);
  }
}

std::vector<LostEvidence::Spell> LostEvidence::look(const ServiceEvidence& evidence, Instant now) {
  std::vector<Spell> told;
  for (const std::vector<std::uint32_t>& sources : evidence.sources_by_kind)
    for (const std::uint32_t source : sources) {
      look_at(evidence.source(source), now, told);
      look_for_gaps(evidence.source(source), now, told);
    }
  look_for_refused(evidence, now, told);
  has_looked_ = true;
  for (auto gap = gaps_.begin(); gap != gaps_.end();) {
    if (now - *gap->second.until < kGapOver) {
      ++gap;
      continue;
    }
    told.push_back(gap->second);
    gap = gaps_.erase(gap);
  }
  return told;
}

std::vector<LostEvidence::Spell> LostEvidence::close(Instant now) {
  std::vector<Spell> told;
  for (auto& [source, spell] : spells_) {
    spell.until = now;
    told.push_back(spell);
  }
  for (const auto& [key, gap] : gaps_) told.push_back(gap);
  spells_.clear();
  gaps_.clear();
  return told;
}

}  // namespace belay::rules
