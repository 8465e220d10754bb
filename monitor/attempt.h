#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/time.h"
#include "monitor/clock.h"
#include "monitor/platform/platform.h"
#include "rules/event.h"
#include "rules/order.h"

namespace belay::monitor {

/// How patient the actor is.
struct ActorOptions {
  /// Then it says that it does not know yet.
  Duration unknown_after = std::chrono::seconds{30};
  Duration give_up_after = std::chrono::minutes{10};  ///< From taking the order to `abandoned`.
  /// The same of a flag or a command that was recalled, from saying so: something waits behind it,
  /// and it may still arrive without harm to that.
  Duration let_go_after = std::chrono::seconds{30};
  /// An open order of an earlier life that is older than this is looked at, but not carried out.
  Duration resumed_age_max = std::chrono::hours{1};
  /// How long a call that ended without an answer may still take effect. Only after it is the
  /// platform's "as judged" believed, and the order sent again: Cloudflare's POST /deployments has
  /// no idempotency key.
  Duration settle = std::chrono::seconds{15};
  Duration retry_first = std::chrono::milliseconds{500};  ///< Doubles with each try, with jitter,
  Duration retry_max = std::chrono::seconds{30};          ///< up to this.
  /// That reads are refused, before anything was sent, or the order itself by a platform that would
  /// show it: then it is rejected. A token may be refused for a moment, and a rollback must not be
  /// lost for that.
  Duration refused_for = std::chrono::seconds{10};
  /// Of an order that shows only its effect (Trace::effect), in all: then it is rejected.
  int effect_sends_max = 2;
  /// For the effect of such an order that was accepted. Looked for and not there after it, it is
  /// abandoned: it may come all the same. Not sent again, as nothing says that this would do more.
  Duration shown_within = std::chrono::seconds{60};
  Duration stop_grace = std::chrono::seconds{4};  ///< For the call under way when told to stop.
};

/// One order's way to its outcome: read, act if the world stands as it was judged, read back. The
/// first try and the recovery after a crash are the same algorithm. Never sends again what may have
/// arrived unless the platform shows that it has not.
class Attempt {
 public:
  /// In [0, 1): spreads retries.
  using Jitter = std::function<double()>;
  /// Why the order must not be sent any more; nothing while it may. Asked right before it is.
  using Recalled = std::function<std::optional<std::string>()>;

  /// `resumed`: an earlier life of this process may have sent it already.
  Attempt(rules::Order order, Platform& platform, const Clock& clock, const ActorOptions& options,
          Jitter jitter, bool resumed, Recalled recalled = {});

  /// Does what is due: at most one order and two reads of the platform. Gives what is to be told;
  /// after a final phase it is over. If `stop` cut a call short, nothing is told: the intent stays
  /// open for the next life.
  std::optional<rules::ActionOutcome> step(std::stop_token stop);

  /// So long a step() may take.
  [[nodiscard]] Duration step_max() const { return platform_.step_max(); }

  /// It was recalled: what never left is not waited for, nor what was accepted without effect, nor
  /// for long whether a flag or a command has arrived.
  void hasten();

  [[nodiscard]] Instant due() const;
  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] const rules::Order& order() const { return order_; }

 private:
  using Told = std::optional<rules::ActionOutcome>;

  Told look(std::stop_token stop);
  Told decide(const Standing& standing, std::stop_token stop);
  /// Of a standing that ends the order without anything being done.
  [[nodiscard]] bool may_be_old();
  Told read_again(const Standing& standing);
  Told act(const Standing& standing, std::stop_token stop);
  /// Of what was accepted, and is not there.
  Told missed(const Standing& standing);
  [[nodiscard]] std::optional<std::string> why_recalled() const;
  /// When it is over without anybody knowing; max(): not before the deadline.
  [[nodiscard]] Instant let_go_at() const;
  /// If it was recalled, and nothing of it can arrive any more.
  Told recalled();
  Told refused(const Error& error);
  /// Of a definite no, which may be one of a moment.
  Told ask_again(const Error& error);
  Told unreadable(const Error& error);
  Told wait(std::string why);
  /// The same, and people are told now that nobody knows yet.
  Told wait_aloud(std::string why);
  /// At the deadline: `rejected` if nothing is done.
  Told give_up();
  Told nothing_done(const std::string& why);
  /// Nothing ever left, or what did was refused.
  [[nodiscard]] bool is_nothing_done() const { return !maybe_sent_ && sends_ == 0; }
  Told told(rules::ActionOutcome::Phase phase, std::string detail);
  /// Of what is not known to be done: with what a person can run.
  Told not_done(rules::ActionOutcome::Phase phase, std::string detail);
  Told stood_down(std::string detail);
  /// With what was answered to the last call that is not known to have worked.
  [[nodiscard]] std::string with_answer(const std::string& why) const;
  [[nodiscard]] std::string circumstances() const;

  const rules::Order order_;
  Platform& platform_;
  const Clock& clock_;
  const ActorOptions& options_;
  const Jitter jitter_;
  const bool resumed_;
  const Recalled recalled_;
  const Instant began_;
  const Instant deadline_;

  bool maybe_sent_ = false;    ///< A call left us, and nothing showed since that it failed.
  bool acknowledged_ = false;  ///< The platform said yes.
  Instant accepted_at_{};      ///< When it did.
  std::optional<Instant> missed_since_;    ///< It is not there, by all reads since.
  std::optional<Instant> needless_since_;  ///< By all reads since, there is nothing to do.
  int sends_ = 0;         ///< Calls that may have arrived; those of an earlier life are one.
  std::string answer_;    ///< To the last of them, or to one that was refused; empty: yes.
  Instant settled_at_{};  ///< When it can no longer take effect.
  Instant next_call_{};
  int waits_ = 0;
  std::optional<Instant> refused_since_;        ///< Reads, in a row.
  std::optional<Instant> sends_refused_since_;  ///< By all answers since, and all reads were good.
  bool is_hastened_ = false;
  bool is_recalled_ = false;
  std::optional<Instant> said_unknown_at_;
  bool is_over_ = false;
  std::string why_;  ///< The last thing in the way.
};

}  // namespace belay::monitor
