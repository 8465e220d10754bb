#pragma once

#include <stop_token>
#include <vector>

#include "monitor/config/config.h"
#include "monitor/platform/platform.h"
#include "rules/engine.h"
#include "rules/event.h"

namespace belay::monitor {

using PreflightAnswer = rules::PreflightDone::Check;

/// What the platform says of the two versions. Nothing from a platform that does not know versions,
/// nor about a baseline that there is not.
std::vector<PreflightAnswer> answers_of(Platform& platform, const rules::PreflightAsked& asked,
                                        const std::stop_token& stop);

/// By HTTP: what answers otherwise than expected is bad, what does not answer is unknown. By
/// command: exit code 0 is fine, 1 is bad, everything else unknown; it finds BELAY_SERVICE,
/// BELAY_CANDIDATE, BELAY_BASELINE, BELAY_ROLLOUT and BELAY_COMMIT in its environment.
PreflightAnswer answer_of(const PreflightCheck& check, const rules::PreflightAsked& asked,
                          const std::stop_token& stop);

}  // namespace belay::monitor
