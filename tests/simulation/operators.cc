#include "tests/simulation/operators.h"

#include <chrono>

namespace belay::simulation {

using namespace std::chrono_literals;
using Kind = rules::OperatorCommand::Kind;

namespace {

/// What a person does about a hold in the end; nothing: it goes away by itself.
std::optional<Kind> remedy(rules::HoldReason reason) {
  switch (reason) {
    case rules::HoldReason::paused:
    case rules::HoldReason::traffic:
      return Kind::resume;
    case rules::HoldReason::approval:
    case rules::HoldReason::freeze:
      return Kind::approve;
    case rules::HoldReason::irreversible:
      return Kind::abort;
    default:
      return std::nullopt;
  }
}

}  // namespace

rules::OperatorCommand Operators::command(Kind kind, const std::string& rollout, Instant now) {
  return {.kind = kind,
          .at = now,
          .rollout = rollout,
          .by = "operator " + std::to_string(++words_) + " of " + service_,
          .reason = "so be it"};
}

std::optional<rules::Event> Operators::answer(const rules::RolloutStatus& rollout, Instant now) {
  const std::string what =
      rollout.held ? rollout.id + " " + std::string(name_of(*rollout.held)) : "";
  if (what != waiting_) {
    waiting_ = what;
    waiting_since_ = now;
  }
  if (!rollout.held) return std::nullopt;
  const Duration waited = now - waiting_since_;
  // A question that is answered badly for so long has its answer.
  if (rollout.held == rules::HoldReason::preflight && waited > 2 * patience_ + 20s) {
    waiting_since_ = now;
    return command(chance_.chance(0.5) ? Kind::approve : Kind::abort, rollout.id, now);
  }
  const std::optional<Kind> kind = remedy(*rollout.held);
  if (!kind || waited < patience_) return std::nullopt;
  waiting_since_ = now;
  return command(*kind, rollout.id, now);
}

std::optional<rules::Event> Operators::say(const rules::ServiceStatus& status, Instant now,
                                           Duration span, const Faults& faults) {
  if (!status.rollout) return std::nullopt;
  const rules::RolloutStatus& rollout = *status.rollout;
  if (chance_.chance(faults.commands / 60 * seconds(span))) {
    const double what = chance_.unit();
    if (what < 0.1)
      return rules::Silenced{.at = now,
                             .service = service_,
                             .rule = "errors",
                             .until = now + chance_.between(1s, 60s),
                             .by = "someone"};
    constexpr Kind kSaid[] = {Kind::pause,   Kind::pause,   Kind::resume, Kind::promote,
                              Kind::promote, Kind::approve, Kind::abort};
    return command(kSaid[chance_.below(std::size(kSaid))], rollout.id, now);
  }
  return faults.is_unattended ? std::nullopt : answer(rollout, now);
}

}  // namespace belay::simulation
