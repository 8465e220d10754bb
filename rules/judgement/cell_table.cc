#include "rules/judgement/cell_table.h"

#include <utility>

namespace belay::rules {
namespace {

constexpr std::size_t kSlotsFirst = 1024;

}  // namespace

CellKey::CellKey(const Request& request)
    : source(static_cast<std::uint32_t>(request.source)),
      service(static_cast<std::uint32_t>(request.service)),
      version(static_cast<std::uint32_t>(request.version)),
      route(static_cast<std::uint32_t>(request.route)),
      method(static_cast<std::uint32_t>(request.method)),
      outcome(static_cast<std::uint32_t>(request.outcome)),
      rest((static_cast<std::uint32_t>(request.status) << 8U) |
           (static_cast<std::uint32_t>(request.invocation) << 1U) |
           (request.exceptions > 0 ? 1U : 0U)) {}

std::size_t CellKey::hash() const {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
  std::uint64_t bits = (std::uint64_t{source} << 32U) | service;
  const auto mix = [&bits](std::uint32_t high, std::uint32_t low) {
    bits = (bits ^ (bits >> 29U)) * kOdd;
    bits += (std::uint64_t{high} << 32U) | low;
  };
  mix(version, route);
  mix(method, outcome);
  mix(rest, 0);
  bits *= kOdd;
  return static_cast<std::size_t>(bits ^ (bits >> 32U));
}

CellTable::CellTable() : slots_(kSlotsFirst) {}

Cell* CellTable::find(const CellKey& key) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = key.hash() & mask; slots_[i].cell != kFree; i = (i + 1) & mask)
    if (slots_[i].key == key) return &cells_[slots_[i].cell];
  return nullptr;
}

void CellTable::place(const CellKey& key, std::uint32_t cell) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = key.hash() & mask;
  while (slots_[i].cell != kFree) i = (i + 1) & mask;
  slots_[i] = Slot{.key = key, .cell = cell};
}

Cell& CellTable::add(const CellKey& key) {
  if (cells_.size() >= kCellsMax) clear();
  if ((cells_.size() + 1) * 2 > slots_.size()) {
    std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    for (const Slot& slot : old)
      if (slot.cell != kFree) place(slot.key, slot.cell);
  }
  place(key, static_cast<std::uint32_t>(cells_.size()));
  return cells_.emplace_back();
}

void CellTable::clear() {
  cells_.clear();
  slots_.assign(kSlotsFirst, Slot{});
}

}  // namespace belay::rules
