#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "rules/event.h"
#include "rules/order.h"

namespace belay::monitor {

/// Where the world stands in respect of one order: what the actor reads before and after it acts.
struct Standing {
  enum class Kind : std::uint8_t {
    ours,      ///< Our intent's id is there: the order arrived.
    target,    ///< What the order asks for holds, by someone else's hand.
    expected,  ///< As it was judged: the order may be carried out.
    other,     ///< Someone else has acted: stand down.
  } kind{};
  std::string detail;  ///< What is live, for people.
};

/// What read() can find of an order after apply() has, or may have, carried it out.
enum class Trace : std::uint8_t {
  id,      ///< The intent's own id: `ours` is told from `target`.
  effect,  ///< Only that what was asked for holds: after a try of ours, `target` is counted as
           ///< ours. Carrying the order out twice must do no harm, and more is not tried.
  none,    ///< Nothing. An order that may have been carried out is never tried again.
};

/// What a platform says of one version, as far as it shows it.
struct VersionFacts {
  bool exists = false;
  bool is_deployable = false;  ///< It may be given traffic now.
  std::string migration;       ///< Of the storage that it was made for; empty: none, or not shown.
  /// What it is bound to ("kv_namespace CACHE"), in order.
  std::vector<std::string> bindings;
};

/// A thing in the world that an order can change. Called by an actor's thread unless a function
/// says otherwise, one of several services by several threads at once; every call is bounded in
/// time and ends soon after `stop`.
class Platform {
 public:
  virtual ~Platform() = default;

  /// Reads where the world stands. A fault means that it cannot be known now.
  virtual Result<Standing> read(const rules::Order& order, std::stop_token stop) = 0;

  /// Carries the order out, once. Error kinds: failed (refused, the world did not change), invalid
  /// or not_found (the same, and so it would be again), unavailable, timeout or throttled (nothing
  /// was sent; may be tried again), conflict, ambiguous (read before anything else).
  virtual Status apply(const rules::Order& order, std::stop_token stop) = 0;

  /// Any thread; only reads. Nothing: this platform does not know its versions.
  virtual Result<std::optional<VersionFacts>> version(const std::string& /*id*/,
                                                      std::stop_token /*stop*/) {
    return std::optional<VersionFacts>{};
  }

  [[nodiscard]] virtual Trace trace(const rules::Order& /*order*/) const { return Trace::id; }

  /// Any thread. What has the traffic now, the largest share first; neither service nor time are
  /// filled in. No versions: this platform cannot tell. Never "nothing is deployed": that is a
  /// fault.
  virtual Result<rules::Deployment> live(std::stop_token /*stop*/) { return rules::Deployment{}; }

  /// Before anything is read: a deployment that an earlier life has seen there. An answer that
  /// lacks it may be of before that; empty: none was seen.
  virtual void was_seen(const std::string& /*deployment*/) {}

  /// So old a reading may be. What shows for less that there is nothing to do is not believed.
  [[nodiscard]] virtual Duration lag_max() const { return Duration::zero(); }

  /// So long two reads and one order may take in all; what takes longer hangs.
  [[nodiscard]] virtual Duration step_max() const { return std::chrono::minutes{2}; }

  /// Any thread. The command with which a person undoes or repeats the order by hand.
  [[nodiscard]] virtual std::string by_hand(const rules::Order& order) const = 0;
};

}  // namespace belay::monitor
