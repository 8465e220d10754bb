#include "rules/rollout/unknown_spells.h"

#include <chrono>
#include <utility>

namespace belay::rules {
namespace {

constexpr Duration kUnknownMax = std::chrono::minutes{10};

void keep_time(std::optional<Instant>& since, bool holds, Instant now) {
  if (!holds) {
    since.reset();
  } else if (!since) {
    since = now;
  }
}

bool is_due(const std::optional<Instant>& since, Instant now) {
  return since && now - *since >= kUnknownMax;
}

}  // namespace

void UnknownSpells::follow(const std::string& thing, std::optional<UnknownKind> kind,
                           bool is_in_gate, const std::string& what, Instant now) {
  if (!kind) {
    spells_.erase(thing);
    return;
  }
  Spell& spell = spells_[thing];
  const bool is_told = kind != UnknownKind::warming;
  const bool is_hiding = is_told && (is_in_gate || kind != UnknownKind::no_traffic);
  keep_time(spell.since, is_told, now);
  keep_time(spell.hiding_since, is_hiding, now);
  const bool pages = is_due(spell.hiding_since, now) && !spell.was_paged;
  if (!pages && (spell.was_told || !is_due(spell.since, now))) return;
  spell.was_told = true;
  spell.was_paged = spell.was_paged || pages;
  due_.lines.push_back(what);
  due_.page = due_.page || pages;
}

UnknownSpells::Due UnknownSpells::take_due() { return std::exchange(due_, Due{}); }

}  // namespace belay::rules
