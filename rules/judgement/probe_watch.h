#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/paired_evidence.h"

namespace belay::rules {

/// Whether of some newest answers the last two failed, three of them, or all that there are.
/// `newest`: oldest first.
bool are_doubtful(const std::deque<bool>& newest);

/// What the probes of a service say of the candidate of one rollout. An answer is the candidate's,
/// the baseline's, or nameless: nobody knows which version gave it. Nameless ones blame nobody, but
/// nothing passes while they fail.
class ProbeWatch {
 public:
  /// In a row: so many failures begin it, and so many good nameless answers end it.
  static constexpr std::uint32_t kInRow = 3;
  /// So many of the newest answers are looked at.
  static constexpr std::size_t kNewest = 10;

  /// No role: nameless.
  void answered(const std::string& probe, std::optional<Role> role, Instant at, bool failed);

  /// The probe whose last three answers of the candidate failed, while the baseline's passed.
  [[nodiscard]] std::optional<std::string> worse() const;

  struct Red {
    std::string probe;
    bool is_shared = false;    ///< The baseline's fail as well.
    bool is_nameless = false;  ///< Else they are the candidate's.
  };
  /// By which three answers in a row have failed.
  [[nodiscard]] std::vector<Red> red() const;
  /// Why a probe is no sign of the candidate's health, in words: of its newest answers, but for the
  /// baseline's, the last two failed, three of the last ten, or all that there are; or all that
  /// came were the baseline's.
  [[nodiscard]] std::optional<std::string> doubt() const;

 private:
  /// The answers of one probe.
  struct Answers {
    std::array<std::uint32_t, kRoles> failed{};  // In a row, by version.
    /// Of the candidate, in a row and since the baseline failed last: what both share is nobody's.
    std::uint32_t failed_alone = 0;
    Instant failed_alone_since{};               // The first of them.
    std::optional<Instant> baseline_passed_at;  // The newest that passed.
    std::uint32_t failed_nameless = 0;          // In a row.
    std::uint32_t passed_nameless = 0;          // In a row, and the candidate's.
    std::uint32_t of_baseline = 0;              // All of them.
    bool is_red_nameless = false;
    std::deque<bool> newest;  // Whether they failed; not the baseline's.

    [[nodiscard]] std::uint32_t failed_by(Role role) const {
      return failed[static_cast<std::size_t>(role)];
    }
    void count_nameless(bool has_failed);
    void count(Role role, Instant at, bool has_failed);
  };

  std::map<std::string, Answers> probes_;
};

}  // namespace belay::rules
