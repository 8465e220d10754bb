#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/judgement/share_bet.h"

namespace belay::rules {

/// Which of the two versions that are compared.
enum class Role : std::uint8_t { candidate, baseline };
inline constexpr std::size_t kRoles = 2;

/// What is compared. The slow ones in the order of kSlowQuantiles.
enum class Compared : std::uint8_t { errors, slow_p50, slow_p90, slow_p99 };
inline constexpr std::size_t kComparedMetrics = 4;
/// "errors", "slow_p50", ...
const char* name_of(Compared compared);

/// Bad events among all, of both versions.
struct PairCounts {
  struct Of {
    std::uint64_t bad = 0;
    std::uint64_t total = 0;
  };
  std::array<Of, kRoles> roles{};

  Of& operator[](Role role) { return roles[static_cast<std::size_t>(role)]; }
  const Of& operator[](Role role) const { return roles[static_cast<std::size_t>(role)]; }
  /// The candidate's rate less `rho` times the baseline's; 0 if the candidate has none, a
  /// baseline without events has rate 0.
  [[nodiscard]] double excess(double rho) const;
};

/// One metric of candidate and baseline, cut into blocks of event time that bet (ShareBet). Routes
/// are strata: a version that got the worse routes is not worse for it. Routes are small numbers,
/// 0, 1, ...; seconds are since the Unix epoch.
///
/// A block stays open until both versions have had a request in it. A late event counts in the open
/// block; one that is ahead waits for its second.
class EvidenceBlocks {
 public:
  struct Shape {
    std::uint32_t seconds = 10;  ///< Of a block, at least.
    double rho = 1.25;           ///< Odds that count as "not worse".
  };
  EvidenceBlocks(Shape shape, std::int64_t first_second);

  void count(std::int64_t second, std::uint32_t route, Role role, std::uint32_t total,
             std::uint32_t bad);
  /// All seconds before `second` are over.
  void advance(std::int64_t second);
  /// Another share of the traffic from here on: ends the block.
  void begin_step();

  [[nodiscard]] double log_wealth() const { return bet_.log_wealth(); }
  [[nodiscard]] std::uint64_t votes() const { return votes_; }

  /// The evidence window: since the wealth was at its lowest for the last time.
  [[nodiscard]] const PairCounts& evidence() const { return evidence_; }
  [[nodiscard]] const std::vector<PairCounts>& evidence_by_route() const { return by_route_; }
  [[nodiscard]] std::int64_t evidence_since() const { return evidence_since_; }
  /// By how much the candidate's rate is above what it may be, within the evidence window.
  [[nodiscard]] double excess() const { return evidence_.excess(shape_.rho); }
  /// Blocks of it in which the candidate had a bad event.
  [[nodiscard]] std::uint32_t bad_blocks() const { return bad_blocks_; }

 private:
  /// Few kinds of numbers, one for each second and route that something happened in.
  struct Entry {
    std::int64_t second = 0;
    std::uint32_t route = 0;
    std::array<std::uint32_t, kRoles> total{};
    std::array<std::uint32_t, kRoles> bad{};
  };
  static constexpr std::uint32_t kNone = 0xffffffff;
  /// Events further ahead than this count as if they were not.
  static constexpr std::int64_t kAheadMax = 7;
  /// A block that stays open for hours keeps its times less exactly from here on.
  static constexpr std::size_t kEntriesMax = 65536;

  Entry& entry_of(std::int64_t second, std::uint32_t route);
  void coarsen();
  void push_second();
  void close();
  void vote_on(std::uint32_t pieces);
  void bet(const PairCounts* routes);
  void add_evidence(const Entry& entry);
  void restart_evidence();

  Shape shape_;
  ShareBet bet_;
  double lowest_ = 0;
  std::uint64_t votes_ = 0;
  std::int64_t begin_;  // Of the open block.
  std::int64_t next_;   // The first second that is not over.
  std::int64_t granule_ = 1;
  std::array<std::uint64_t, kRoles> in_block_{};
  std::array<std::array<std::uint64_t, kRoles>, kAheadMax + 1> ahead_{};  // By second.
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> last_of_route_;  // Index of a route's latest entry.
  std::vector<PairCounts> pieces_;            // Scratch: by piece, then route.
  PairCounts evidence_;
  std::vector<PairCounts> by_route_;
  std::int64_t evidence_since_;
  std::uint32_t bad_blocks_ = 0;
};

}  // namespace belay::rules
