#include "monitor/api/recorded.h"

#include "monitor/rollout_text.h"
#include "rules/rollout/rollout_record.h"

namespace belay::monitor {

KeptCall::KeptCall(const Call& of)
    : request(of.request), call{request, of.caller, of.request_id, of.path, of.query, of.context} {}

bool may_be_recorded(const Call& call) {
  return call.request.header("idempotency-key") && call.context.parts.past != nullptr &&
         call.context.parts.is_recorded();
}

Result<rules::RolloutStatus> recorded_rollout(const Journal::OfRollout& past) {
  const Result<rules::RememberedRollout> known = known_rollout_of(past.entries);
  if (!known) return known.error();
  const rules::RolloutStarted& started = known->started;
  const rules::Mode mode = started.mode.value_or(rules::Mode::observe);
  return rules::RolloutRecord(*known, started.service, mode).status();
}

}  // namespace belay::monitor
