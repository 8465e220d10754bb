#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "rules/event.h"
#include "rules/judgement/paired_evidence.h"
#include "rules/judgement/selector.h"
#include "rules/judgement/source_record.h"
#include "rules/judgement/window_store.h"
#include "rules/windows/series_store.h"

namespace belay::rules {

/// What requests of one source must share to be treated alike: the source's own ids, so that
/// nothing has to be resolved for a second one.
struct CellKey {
  std::uint32_t source = 0;
  std::uint32_t service = 0;
  std::uint32_t version = 0;
  std::uint32_t route = 0;
  std::uint32_t method = 0;
  std::uint32_t outcome = 0;
  std::uint32_t rest = 0;  ///< Status, invocation, whether there was an exception.

  explicit CellKey(const Request& request);
  bool operator==(const CellKey&) const = default;
  [[nodiscard]] std::size_t hash() const;
};

/// Where such a request goes. Only a cache: it can be forgotten and made again at any time.
struct Cell {
  std::uint32_t service = 0;
  std::uint32_t epoch =
      0;  ///< Of the service when this was made; another one means: make it again.
  Refusal refusal = Refusal::none;
  Call call;
  SeriesStore::SeriesIndex series = 0;
  std::uint32_t version_slot = 0;
  const Feeds* feeds = nullptr;
  std::optional<PairedEvidence::Place> paired;  ///< Of a rollout's two versions.
};

/// Cells by key: open addressing, bounded; when it is full it forgets everything.
class CellTable {
 public:
  static constexpr std::size_t kCellsMax = 65536;

  CellTable();
  /// Nothing if there is no such cell.
  [[nodiscard]] Cell* find(const CellKey& key);
  /// Says that find() will soon be called with it, so that its slot comes nearer.
  void expect(const CellKey& key) const {
    __builtin_prefetch(&slots_[key.hash() & (slots_.size() - 1)]);
  }
  /// The new cell, which was not there. Good until the next call.
  Cell& add(const CellKey& key);
  void clear();

 private:
  struct Slot {
    CellKey key{Request{}};
    std::uint32_t cell = kFree;
  };
  static constexpr std::uint32_t kFree = 0xffffffff;
  void place(const CellKey& key, std::uint32_t cell);

  std::vector<Slot> slots_;
  std::vector<Cell> cells_;
};

}  // namespace belay::rules
