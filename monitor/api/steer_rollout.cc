#include <functional>
#include <utility>

#include <nlohmann/json.hpp>

#include "monitor/api/body.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"

namespace belay::monitor {
namespace {

using Command = rules::OperatorCommand::Kind;
using rules::HoldReason;
using rules::RolloutState;
using rules::RolloutStatus;

/// Whether the rollout is as the command wants it.
bool is_so(Command command, const RolloutStatus& rollout, std::size_t step_before) {
  switch (command) {
    case Command::pause:
      return rollout.held == HoldReason::paused;
    case Command::resume:
      return rollout.held != HoldReason::paused;
    case Command::promote:
      return rollout.step > step_before || rollout.state == RolloutState::promoted;
    case Command::abort:
      return rollout.state == RolloutState::aborted;
    case Command::approve:
      return rollout.held != HoldReason::approval && rollout.held != HoldReason::irreversible;
    case Command::rollback:
      return !is_judged(rollout.state) && rollout.verdict == rules::Outcome::fail;
  }
  return false;
}

/// What the engine has said last instead of obeying such a command; it always does.
struct Refusal {
  Instant at{};
  std::string why;

  bool operator==(const Refusal&) const = default;
};
std::optional<Refusal> newest_refusal(const RolloutStatus& rollout, Command command) {
  const std::string begin = "did not " + std::string(name_of(command)) + ": ";
  std::optional<Refusal> newest;
  for (const RolloutStatus::Moment& moment : rollout.timeline)
    if (moment.what.starts_with(begin)) newest = {moment.at, moment.what.substr(begin.size())};
  return newest;
}

/// A person who asks for a rollback of what is over may still need one.
std::string words_of_end(const RolloutStatus& rollout, Command command) {
  std::string words = "it ended as " + std::string(name_of(rollout.state)) +
                      (rollout.why.empty() ? "" : ": " + rollout.why);
  const bool may_be_live =
      rollout.state == RolloutState::promoted || rollout.state == RolloutState::failed ||
      rollout.state == RolloutState::inconclusive || rollout.state == RolloutState::aborted;
  if (command == Command::rollback && may_be_live)
    words += "; where " + rollout.candidate +
             " is still live, begin another rollout of it: that can be rolled back";
  return words;
}

net::Outgoing steer(const Call& call, Command command) {
  const auto published = call.context.newest.published();
  const RolloutStatus* rollout = rollout_of(published->snapshot, call.path.front());
  if (rollout == nullptr) {
    return call.refuse({Problem::Kind::unknown_rollout,
                        "no rollout has this id; `belay rollout status` shows whole ids"});
  }
  Body body(call.request);
  const auto by = body.text("by");
  const auto reason = body.text("reason");
  if (const auto problem = body.problem()) return call.refuse(*problem);
  if (rollout->ended) {
    return call.refuse({Problem::Kind::rollout_ended, words_of_end(*rollout, command)});
  }
  // Somebody, or this request before its answer was lost, has asked for it: once, and no more.
  if (command == Command::rollback && is_so(command, *rollout, 0)) {
    return answer_json(rollout_view(*rollout));
  }
  rules::OperatorCommand event{.kind = command,
                               .at = call.context.parts.now(),
                               .rollout = rollout->id,
                               .by = doer_of(call, by),
                               .reason = reason.value_or("")};
  // What was so before does not show that the command was obeyed.
  const bool was_so = is_so(command, *rollout, rollout->step);
  auto shown = [command, id = rollout->id, step = rollout->step, before = etag_of(*rollout), was_so,
                told = newest_refusal(*rollout, command),
                request_id = call.request_id](const Seen& seen) -> std::optional<net::Outgoing> {
    const RolloutStatus* now = rollout_of(seen.snapshot, id);
    if (now == nullptr) {
      return answer_of({Problem::Kind::unknown_rollout, "it is gone meanwhile"}, request_id);
    }
    const bool is_obeyed = !was_so && is_so(command, *now, step) && etag_of(*now) != before;
    const std::optional<Refusal> refusal = newest_refusal(*now, command);
    if (!is_obeyed && refusal && refusal != told)
      return answer_of({Problem::Kind::refused, refusal->why}, request_id);
    if (!is_obeyed && !seen.is_settled) return std::nullopt;
    // Obeyed without being so yet: traffic is on its way.
    return answer_json(rollout_view(*now));
  };
  return change(call, std::move(event), std::move(shown), {{"id", rollout->id}});
}

}  // namespace

net::Outgoing pause_rollout(const Call& call) { return steer(call, Command::pause); }
net::Outgoing resume_rollout(const Call& call) { return steer(call, Command::resume); }
net::Outgoing promote_rollout(const Call& call) { return steer(call, Command::promote); }
net::Outgoing abort_rollout(const Call& call) { return steer(call, Command::abort); }
net::Outgoing approve_rollout(const Call& call) { return steer(call, Command::approve); }
net::Outgoing roll_back_rollout(const Call& call) { return steer(call, Command::rollback); }

}  // namespace belay::monitor
