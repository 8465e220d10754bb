#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/verdict.h"
#include "rules/order.h"

namespace belay::rules {

/// What Belay itself found of the versions of one service: which it promoted or put back, and which
/// were bad. What was bad is nothing to go back to, for 24 hours, the time that the journal gives
/// back after a restart, or until it is promoted or has been watched well. What turned bad after
/// its promotion is that until it has been fine for ten minutes.
class VersionHistory {
 public:
  struct Good {
    std::string version;
    Instant at{};  ///< The epoch: more than 24 hours ago.
    bool was_put_back = false;
    /// In this life: the platform said so, or Belay moved it there.
    bool was_given_traffic = false;
  };

  /// So long it must have been fine to be gone back to, where it was bad after its promotion.
  static constexpr Duration kFineAgain = std::chrono::minutes{10};

  VersionHistory() = default;
  /// What the journal knew of this service.
  VersionHistory(const Remembered& remembered, const std::string& service);

  void promoted(const std::string& version, Instant at);
  /// Its rollout failed.
  void failed(const std::string& version, Instant at);
  /// Its rollout ended without a verdict while it was being judged bad.
  void left_bad(const std::string& version, Instant at);
  /// It was promoted last, has the traffic, and a rule fires on it.
  void served_badly(const std::string& version, Instant at);
  /// Of that one since: what is known of it now, if it has all of the traffic.
  void look(Truth truth, bool has_traffic, Instant now);
  /// A rollback to it was done. That alone takes back nothing that is held against it.
  void put_back(const std::string& version, Instant at);
  /// After a rollback to it all that is watched was fine.
  void recovered(const std::string& version, Instant at);
  /// Of one that was promoted or put back: the platform gives it traffic.
  void see_traffic_given(const std::string& version);
  /// Its promotion counts no more: its train has taken it back.
  void withdraw(const std::string& version);

  /// "v2 failed at 2026-11-26T12:08:34Z"; nothing if nothing is held against it.
  [[nodiscard]] std::optional<std::string> failure_of(const std::string& version,
                                                      Instant now) const;
  /// Until when that is so, of a version of which it is.
  [[nodiscard]] std::optional<Instant> held_until(const std::string& version) const;
  /// The version promoted last; empty if there is none, or another was put back since.
  [[nodiscard]] std::string promoted_last() const;
  /// When it was: the epoch as in Good.
  [[nodiscard]] Instant promoted_at() const;
  /// Whether served_badly() is held against it.
  [[nodiscard]] bool is_suspect() const;
  /// What was promoted or put back last, of what nothing is held against, and `may_be`.
  [[nodiscard]] std::optional<Good> last_good(
      Instant now, const std::function<bool(const Good&)>& may_be = {}) const;
  /// Whether it was ever promoted or put back, and nothing is held against it.
  [[nodiscard]] bool was_good(const std::string& version, Instant now) const;

 private:
  struct Failure {
    Instant at{};
    bool was_judged = false;
    bool was_promoted = false;  ///< Before.
    std::optional<Instant> fine_since = std::nullopt;
  };
  void add(Good good);
  void hold_against(const std::string& version, Failure failure);

  std::vector<Good> goods_;  // Each version once, newest last.
  std::map<std::string, Failure> failures_;
};

}  // namespace belay::rules
