#include "monitor/attempt.h"

#include <algorithm>
#include <utility>

#include "base/backoff.h"
#include "base/check.h"
#include "base/sanitize.h"

namespace belay::monitor {

using Phase = rules::ActionOutcome::Phase;

Attempt::Attempt(rules::Order order, Platform& platform, const Clock& clock,
                 const ActorOptions& options, Jitter jitter, bool resumed, Recalled recalled)
    : order_(std::move(order)),
      platform_(platform),
      clock_(clock),
      options_(options),
      jitter_(std::move(jitter)),
      resumed_(resumed),
      recalled_(std::move(recalled)),
      began_(clock.now()),
      deadline_(began_ + options.give_up_after),
      maybe_sent_(resumed),
      sends_(resumed ? 1 : 0),
      settled_at_(resumed ? began_ + options.settle + platform.lag_max() : began_),
      next_call_(began_) {}

Instant Attempt::due() const {
  const Instant milestone = said_unknown_at_ ? deadline_ : began_ + options_.unknown_after;
  return std::min({next_call_, milestone, deadline_, let_go_at()});
}

Instant Attempt::let_go_at() const {
  // A late rollback or move would undo what comes after it.
  const bool may_be_late = std::holds_alternative<rules::ResetFlag>(order_.action) ||
                           std::holds_alternative<rules::RunCommand>(order_.action);
  if (!is_recalled_ || !said_unknown_at_ || !maybe_sent_ || !may_be_late) return Instant::max();
  return std::max(settled_at_, *said_unknown_at_ + options_.let_go_after);
}

void Attempt::hasten() {
  is_recalled_ = true;
  if (is_hastened_ || (maybe_sent_ && !acknowledged_)) return;
  is_hastened_ = true;  // What comes of it waits as any other call.
  next_call_ = std::min(next_call_, std::max(clock_.now(), settled_at_));
}

Attempt::Told Attempt::step(std::stop_token stop) {
  BELAY_CHECK(!is_over_, "step of an attempt that is over");
  if (!maybe_sent_) {
    if (Told told = recalled()) return told;
  }
  const Instant now = clock_.now();
  if (now >= next_call_) return look(stop);
  if (now >= deadline_) return give_up();
  if (now >= let_go_at())
    return not_done(Phase::abandoned,
                    why_ + "; not waited for: " + why_recalled().value_or("") + circumstances());
  if (now >= began_ + options_.unknown_after && !said_unknown_at_)
    return not_done(Phase::unknown, why_ + circumstances());
  return std::nullopt;
}

Attempt::Told Attempt::look(std::stop_token stop) {
  const Result<Standing> standing = platform_.read(order_, stop);
  if (!standing.ok()) {
    if (stop.stop_requested()) return std::nullopt;
    return unreadable(standing.error());
  }
  refused_since_.reset();
  return decide(*standing, stop);
}

Attempt::Told Attempt::decide(const Standing& standing, std::stop_token stop) {
  switch (standing.kind) {
    case Standing::Kind::ours:
      return told(Phase::applied, standing.detail);
    case Standing::Kind::target:
      if (maybe_sent_ && platform_.trace(order_) != Trace::id) {
        return told(Phase::applied, standing.detail);
      }
      return may_be_old() ? read_again(standing) : told(Phase::already, standing.detail);
    case Standing::Kind::other:
      return may_be_old() ? read_again(standing) : stood_down(standing.detail);
    case Standing::Kind::expected:
      needless_since_.reset();
      return act(standing, stop);
  }
  check_failed("kind", "a standing of no kind");
}

bool Attempt::may_be_old() {
  const Instant now = clock_.now();
  if (!needless_since_) needless_since_ = now;
  return now - *needless_since_ < platform_.lag_max();
}

Attempt::Told Attempt::read_again(const Standing& standing) {
  Told what = wait("this may be of a while ago, and is read again: " + standing.detail);
  next_call_ = std::min(next_call_, *needless_since_ + platform_.lag_max());
  return what;
}

Attempt::Told Attempt::act(const Standing& standing, std::stop_token stop) {
  const Instant now = clock_.now();
  const Trace trace = platform_.trace(order_);
  if (acknowledged_) return missed(standing);
  if (maybe_sent_ && trace == Trace::none) {
    return not_done(
        Phase::abandoned,
        with_answer("it cannot be known whether it was carried out, so it is not tried again") +
            circumstances());
  }
  if (maybe_sent_ && now < settled_at_) {
    const std::string why = with_answer("it may still take effect; live: " + standing.detail);
    const bool is_told = said_unknown_at_ || answer_.empty() || trace != Trace::effect;
    return is_told ? wait(why) : wait_aloud(why);
  }
  // It has settled: what was sent before has not arrived and never will.
  maybe_sent_ = false;
  if (trace == Trace::effect && sends_ >= options_.effect_sends_max) {
    const std::string tried =
        resumed_ ? "tried again after the restart" : "tried " + std::to_string(sends_) + " times";
    return not_done(
        Phase::rejected,
        with_answer(tried + ", and no more; live: " + standing.detail) + circumstances());
  }
  if (resumed_ && now - order_.at > options_.resumed_age_max) {
    // By its effect alone: somebody may have undone since what an earlier life has done.
    const bool is_known = trace == Trace::id;
    return not_done(is_known ? Phase::rejected : Phase::abandoned,
                    (is_known ? "not done: the order is " : "the order is ") +
                        format_duration(std::chrono::floor<std::chrono::seconds>(now - order_.at)) +
                        " old, too old to act on; live: " + standing.detail);
  }
  if (Told told = recalled()) return told;
  if (stop.stop_requested()) return std::nullopt;
  if (now >= deadline_) return wait(why_);

  const Status status = platform_.apply(order_, stop);
  if (!status.ok()) {
    const bool cut_short = stop.stop_requested() && status.error().kind != Error::Kind::failed;
    return cut_short ? std::nullopt : refused(status.error());
  }
  maybe_sent_ = true;
  acknowledged_ = true;
  accepted_at_ = clock_.now();
  settled_at_ = accepted_at_ + options_.settle;
  answer_.clear();
  waits_ = 0;
  if (trace == Trace::none) return told(Phase::applied, "done");
  return look(stop);
}

Attempt::Told Attempt::missed(const Standing& standing) {
  const Instant now = clock_.now();
  if (platform_.trace(order_) == Trace::effect && now >= settled_at_) {
    if (!missed_since_) missed_since_ = now;
    const Instant end =
        std::max(accepted_at_ + options_.shown_within, *missed_since_ + options_.settle);
    const std::optional<std::string> recall = why_recalled();
    if (now >= end || recall) {
      return not_done(
          Phase::abandoned,
          "it was accepted, and is not done " +
              format_duration(std::chrono::floor<std::chrono::seconds>(now - accepted_at_)) +
              " later: " + standing.detail + (recall ? "; not waited for: " + *recall : ""));
    }
    Told what = wait("it was accepted, and is not done yet: " + standing.detail);
    next_call_ = std::min(next_call_, end);
    return what;
  }
  return wait("the platform accepted the order but does not show it: " + standing.detail);
}

std::optional<std::string> Attempt::why_recalled() const {
  return recalled_ ? recalled_() : std::nullopt;
}

Attempt::Told Attempt::recalled() {
  const std::optional<std::string> why = why_recalled();
  if (!why) return std::nullopt;
  return told(Phase::rejected, answer_.empty() && sends_ == 0
                                   ? "recalled before it was sent: " + *why
                                   : with_answer("recalled, and not sent again: " + *why));
}

Attempt::Told Attempt::refused(const Error& error) {
  switch (error.kind) {
    case Error::Kind::failed:
      if (platform_.trace(order_) == Trace::id) return ask_again(error);
      [[fallthrough]];
    case Error::Kind::invalid:
    case Error::Kind::not_found:
      return not_done(Phase::rejected, error.message);
    case Error::Kind::conflict:
      return stood_down(error.message);
    case Error::Kind::ambiguous:
      sends_refused_since_.reset();
      maybe_sent_ = true;
      ++sends_;
      answer_ = error.message;
      waits_ = 0;
      settled_at_ = clock_.now() + options_.settle + platform_.lag_max();
      return wait(error.message);
    case Error::Kind::unavailable:
    case Error::Kind::timeout:
    case Error::Kind::throttled:
      break;
  }
  sends_refused_since_.reset();
  Told what = wait(with_answer(error.message));
  if (error.retry_after) next_call_ = std::max(next_call_, clock_.now() + *error.retry_after);
  return what;
}

Attempt::Told Attempt::ask_again(const Error& error) {
  const Instant now = clock_.now();
  if (!sends_refused_since_) {
    sends_refused_since_ = now;
    waits_ = 0;
  }
  const Instant end = *sends_refused_since_ + options_.refused_for;
  if (now >= end) return not_done(Phase::rejected, error.message);
  answer_ = error.message;
  Told what = wait(error.message);
  next_call_ = std::min(next_call_, end);
  return what;
}

Attempt::Told Attempt::unreadable(const Error& error) {
  const bool refused_for_good = error.kind == Error::Kind::failed ||
                                error.kind == Error::Kind::invalid ||
                                error.kind == Error::Kind::not_found;
  const Instant now = clock_.now();
  if (!refused_for_good) refused_since_.reset();
  if (refused_for_good && !refused_since_) refused_since_ = now;
  const bool is_refused = refused_since_ && now - *refused_since_ >= options_.refused_for;
  if (is_refused && !maybe_sent_) {
    return is_nothing_done()
               ? nothing_done(with_answer(error.message))
               : not_done(Phase::rejected, with_answer(error.message) + circumstances());
  }
  missed_since_.reset();
  sends_refused_since_.reset();
  Told what = wait(with_answer(error.message));
  if (refused_since_ && !is_refused)
    next_call_ = std::min(next_call_, *refused_since_ + options_.refused_for);
  if (error.retry_after) next_call_ = std::max(next_call_, now + *error.retry_after);
  return what;
}

Attempt::Told Attempt::nothing_done(const std::string& why) {
  return not_done(Phase::rejected,
                  (answer_.empty() ? "nothing was sent: " : "nothing was done: ") + why);
}

Attempt::Told Attempt::give_up() {
  return is_nothing_done() ? nothing_done(why_)
                           : not_done(Phase::abandoned, why_ + circumstances());
}

Attempt::Told Attempt::wait(std::string why) {
  why_ = std::move(why);
  const Instant now = clock_.now();
  if (now >= deadline_) return give_up();
  const Instant later =
      now + backoff(options_.retry_first, options_.retry_max, ++waits_, jitter_());
  next_call_ = std::min(later, deadline_);
  if (maybe_sent_ && now < settled_at_) next_call_ = std::min(next_call_, settled_at_);
  if (now < began_ + options_.unknown_after || said_unknown_at_) return std::nullopt;
  return not_done(Phase::unknown, why_ + circumstances());
}

Attempt::Told Attempt::wait_aloud(std::string why) {
  if (Told what = wait(std::move(why))) return what;
  return not_done(Phase::unknown, why_ + circumstances());
}

Attempt::Told Attempt::told(Phase phase, std::string detail) {
  is_over_ = rules::is_final(phase);
  if (phase == Phase::unknown) said_unknown_at_ = clock_.now();
  return rules::ActionOutcome{.at = clock_.now(),
                              .intent = order_.intent,
                              .phase = phase,
                              .detail = sanitize(detail, 1000)};
}

Attempt::Told Attempt::not_done(Phase phase, std::string detail) {
  Told what = told(phase, std::move(detail));
  what->by_hand = sanitize(platform_.by_hand(order_), rules::kByHandBytesMax);
  return what;
}

Attempt::Told Attempt::stood_down(std::string detail) {
  const bool is_flag = std::holds_alternative<rules::ResetFlag>(order_.action);
  return told(is_flag ? Phase::conflict : Phase::superseded, std::move(detail));
}

std::string Attempt::with_answer(const std::string& why) const {
  return answer_.empty() ? why : answer_ + "; " + why;
}

std::string Attempt::circumstances() const {
  std::string text = sends_ > 0 ? "; what was sent has not arrived" : "; nothing was sent";
  if (sends_ == 0 && !answer_.empty()) text = "; what was sent was refused";
  if (resumed_ && sends_ == 1) text = "; if it was sent before the restart, it has not arrived";
  if (maybe_sent_) text = "; it may have been carried out";
  if (acknowledged_) text = "; it was accepted";
  return text;
}

}  // namespace belay::monitor
