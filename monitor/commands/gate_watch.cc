#include "monitor/commands/gate_watch.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace belay::monitor {
namespace {

using Phase = rules::ActionOutcome::Phase;

std::optional<RolloutResult> result_of(const rules::ActionStatus& action) {
  if (!action.phase || *action.phase == Phase::unknown) return std::nullopt;
  const std::string what = fmt::format("{} ({})", action.kind, action.target);
  switch (*action.phase) {
    case Phase::superseded:
    case Phase::conflict:
      return RolloutResult{kExitSuperseded, what + ": someone else has acted, Belay stood down"};
    case Phase::rejected:
      return RolloutResult{kExitNotRecovered, what + " was refused: act by hand"};
    case Phase::abandoned:
      return RolloutResult{kExitNotRecovered,
                           what + " cannot be told to have happened: look by hand"};
    case Phase::applied:
    case Phase::already:
    case Phase::unknown:
      break;
  }
  if (!action.verified) return std::nullopt;
  if (*action.verified == "recovered")
    return RolloutResult{kExitRolledBack, what + " done, and it helped"};
  if (*action.verified == "not_recovered") {
    return RolloutResult{kExitNotRecovered, what + " done, and it did not help: not the deploy"};
  }
  return RolloutResult{kExitRolledBack,
                       what + " done; too little evidence to say whether it helped"};
}

std::string requests_of(std::uint64_t requests) {
  return requests == 1 ? "1 request" : fmt::format("{} requests", requests);
}

bool is_open(const rules::ActionStatus& action) {
  return !action.phase || *action.phase == Phase::unknown;
}

}  // namespace

std::string why_not_seen(const rules::ServiceStatus& service, const std::string& candidate) {
  std::map<std::string, std::uint64_t> requests;
  for (const rules::SeriesTotals& series : service.series) {
    requests[series.version] += series.requests;
  }
  if (requests[candidate] > 0) return {};
  std::vector<std::string> seen;
  for (const auto& [version, count] : requests) {
    const std::string name = version.empty() ? "events without a version" : version;
    if (count > 0) seen.push_back(fmt::format("{} ({})", name, requests_of(count)));
  }
  if (seen.empty()) return {};
  return fmt::format("no request of {} was seen; seen were {}", candidate, fmt::join(seen, ", "));
}

std::string progress_of(const rules::ActionStatus& action) {
  const std::string what = fmt::format("{} ({})", action.kind, action.target);
  if (!action.phase) return what + " is on its way";
  if (*action.phase == Phase::unknown) return what + " had no clear end: reading what is live";
  return what + " done, watching whether it helps";
}

std::optional<RolloutResult> gate_result(const rules::ServiceStatus& service,
                                         const std::set<std::string>& resumed) {
  if (!service.rollout || is_judged(service.rollout->state)) return std::nullopt;
  // Whoever leaves now leaves half done what an earlier life began.
  if (std::ranges::any_of(service.actions, is_open)) return std::nullopt;
  const rules::RolloutStatus& gate = *service.rollout;
  if (gate.verdict == rules::Outcome::pass) return RolloutResult{kExitPass, gate.why};
  if (gate.verdict == rules::Outcome::unknown) return RolloutResult{kExitUnknown, gate.why};
  if (service.actions.empty()) return RolloutResult{kExitFail, gate.why};
  const rules::ActionStatus& last = service.actions.back();
  if (last.at < gate.started && !resumed.contains(last.intent)) {
    return RolloutResult{kExitFail, gate.why};
  }
  return result_of(last);
}

GateWatch::GateWatch(std::string service, std::string candidate)
    : service_(std::move(service)), candidate_(std::move(candidate)) {}

void GateWatch::publish(const rules::Snapshot& snapshot) {
  const auto found = std::ranges::find_if(
      snapshot.services, [this](const auto& service) { return service.name == service_; });
  if (found == snapshot.services.end()) return;
  // A gate that an earlier one left behind is not ours.
  const bool ours = found->rollout && found->rollout->candidate == candidate_;
  for (const rules::ActionStatus& action : found->actions) {
    if (is_open(action)) resumed_.insert(action.intent);
  }
  const auto now = ours ? gate_result(*found, resumed_) : std::nullopt;
  const std::lock_guard lock{mutex_};
  status_ = *found;
  if (now && seen_ == now) result_ = now;
  seen_ = now;
}

void GateWatch::notify(const rules::Notice& notice) {
  if (!notice.service.empty() && notice.service != service_) return;
  const std::lock_guard lock{mutex_};
  notices_.push_back(notice);
  if (notice.kind == rules::Notice::Kind::not_acted) not_acted_ = notice.headline;
}

std::vector<rules::Notice> GateWatch::take_notices() {
  const std::lock_guard lock{mutex_};
  return std::exchange(notices_, {});
}

std::optional<rules::ServiceStatus> GateWatch::status() const {
  const std::lock_guard lock{mutex_};
  return status_;
}

std::optional<RolloutResult> GateWatch::result() const {
  const std::lock_guard lock{mutex_};
  if (!result_ || !status_) return result_;
  RolloutResult result = *result_;
  if (result.code == kExitFail) {
    const std::string prefix = service_ + ": ";
    const std::string said =
        not_acted_.starts_with(prefix) ? not_acted_.substr(prefix.size()) : not_acted_;
    result.why += fmt::format(
        "; nothing was done ({}), {} stays as it is",
        said.empty() ? fmt::format("mode {}", rules::name_of(status_->mode)) : said, candidate_);
  }
  if (result.code == kExitUnknown) {
    if (const std::string hint = why_not_seen(*status_, candidate_); !hint.empty()) {
      result.why += "; " + hint;
    }
  }
  return result;
}

}  // namespace belay::monitor
