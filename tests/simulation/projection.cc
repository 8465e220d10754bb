#include "tests/simulation/projection.h"

#include "base/time.h"

namespace belay::simulation {
namespace {

std::string projected(const rules::RolloutStatus& rollout) {
  std::string text = "rollout " + rollout.id + " of " + rollout.candidate + " over " +
                     rollout.baseline + " " + std::string(rules::name_of(rollout.state)) +
                     " at step " + std::to_string(rollout.step) + " of " +
                     std::to_string(rollout.steps.size());
  if (rollout.held) text += " held by " + std::string(rules::name_of(*rollout.held));
  if (rollout.is_irreversible) text += " irreversible";
  if (rollout.is_driving) text += " driving";
  text += " " + std::string(rules::name_of(rollout.mode));
  if (const auto verdict = rules::decided(rollout))
    text += " " + std::string(rules::name_of(*verdict)) + " by " + rollout.rule + " (" +
            rollout.why + ")";
  for (const std::string& intent : rollout.intents) text += " " + intent;
  return text + "; ";
}

}  // namespace

std::string projection_of(const rules::ServiceStatus& status) {
  std::string text;
  for (const rules::ActionStatus& action : status.actions) {
    const bool is_open = !action.phase || !rules::is_final(*action.phase);
    if (action.kind == "move" && !is_open) continue;  // No cap and no cooldown counts it.
    text += action.intent + " to " + action.target + " " + format_utc(action.at) + " " +
            (is_open ? "open" : std::string(rules::name_of(*action.phase))) + "; ";
  }
  if (status.rollout) text += projected(*status.rollout);
  for (const rules::RolloutStatus& one : status.past) text += projected(one);
  for (const rules::Silenced& one : status.silenced)
    text += "silent " + one.rule + " until " + format_utc(one.until) + "; ";
  if (status.disarmed_until) text += "disarmed until " + format_utc(*status.disarmed_until);
  return text;
}

}  // namespace belay::simulation
