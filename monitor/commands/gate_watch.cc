#include "monitor/commands/gate_watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace belay::monitor {
namespace {

using Phase = rules::ActionOutcome::Phase;

std::optional<GateResult> result_of(const rules::ActionStatus& action) {
  if (!action.phase || *action.phase == Phase::unknown) return std::nullopt;
  const std::string what = fmt::format("{} ({})", action.kind, action.target);
  switch (*action.phase) {
    case Phase::superseded:
    case Phase::conflict:
      return GateResult{kExitSuperseded, what + ": someone else has acted, Belay stood down"};
    case Phase::rejected:
      return GateResult{kExitNotRecovered, what + " was refused: act by hand"};
    case Phase::abandoned:
      return GateResult{kExitNotRecovered, what + " cannot be told to have happened: look by hand"};
    case Phase::applied:
    case Phase::already:
    case Phase::unknown:
      break;
  }
  if (!action.verified) return std::nullopt;
  if (*action.verified == "recovered")
    return GateResult{kExitRolledBack, what + " done, and it helped"};
  if (*action.verified == "not_recovered") {
    return GateResult{kExitNotRecovered, what + " done, and it did not help: not the deploy"};
  }
  return GateResult{kExitRolledBack, what + " done; too little evidence to say whether it helped"};
}

}  // namespace

std::optional<GateResult> gate_result(const rules::ServiceStatus& service) {
  if (!service.gate || !service.gate->ended) return std::nullopt;
  const rules::GateStatus& gate = *service.gate;
  if (*gate.ended == rules::Outcome::pass) return GateResult{kExitPass, gate.why};
  if (*gate.ended == rules::Outcome::unknown) return GateResult{kExitUnknown, gate.why};
  if (service.actions.empty() || service.actions.back().at < gate.started) {
    return GateResult{kExitFail, gate.why};
  }
  return result_of(service.actions.back());
}

GateWatch::GateWatch(std::string service, std::string candidate)
    : service_(std::move(service)), candidate_(std::move(candidate)) {}

void GateWatch::publish(const rules::Snapshot& snapshot) {
  const auto found = std::ranges::find_if(
      snapshot.services, [this](const auto& service) { return service.name == service_; });
  if (found == snapshot.services.end()) return;
  // A gate that an earlier one left behind is not ours.
  const bool ours = found->gate && found->gate->candidate == candidate_;
  const auto now = ours ? gate_result(*found) : std::nullopt;
  const std::lock_guard lock{mutex_};
  status_ = *found;
  if (now && seen_ == now) result_ = now;
  seen_ = now;
}

void GateWatch::notify(const rules::Notice& notice) {
  if (!notice.service.empty() && notice.service != service_) return;
  const std::lock_guard lock{mutex_};
  notices_.push_back(notice);
}

std::vector<rules::Notice> GateWatch::take_notices() {
  const std::lock_guard lock{mutex_};
  return std::exchange(notices_, {});
}

std::optional<rules::ServiceStatus> GateWatch::status() const {
  const std::lock_guard lock{mutex_};
  return status_;
}

std::optional<GateResult> GateWatch::result() const {
  const std::lock_guard lock{mutex_};
  return result_;
}

}  // namespace belay::monitor
