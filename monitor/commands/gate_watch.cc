#include "monitor/commands/gate_watch.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using Phase = rules::ActionOutcome::Phase;

std::string requests_of(std::uint64_t requests) {
  return requests == 1 ? "1 request" : fmt::format("{} requests", requests);
}

bool is_open(const rules::ActionStatus& action) {
  return !action.phase || *action.phase == Phase::unknown;
}

const rules::RolloutStatus* rollout_of(const rules::ServiceStatus& service, const std::string& id) {
  if (service.rollout && service.rollout->id == id) return &*service.rollout;
  const auto past = std::ranges::find(service.past, id, &rules::RolloutStatus::id);
  return past == service.past.end() ? nullptr : &*past;
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

std::string interruption_of(const std::optional<rules::ServiceStatus>& service) {
  if (service) {
    for (const rules::ActionStatus& action : service->actions) {
      if (!is_open(action)) continue;
      return fmt::format(
          "interrupted while an action was on its way: {} ({}) may have been carried out; look at "
          "what is live, or let Belay find out with this state",
          action.kind, action.target);
    }
  }
  return "interrupted: what is deployed stays as it is";
}

std::optional<RolloutResult> gate_result(const rules::ServiceStatus& service, const std::string& id,
                                         const std::set<std::string>& resumed) {
  // Whoever leaves now leaves half done what an earlier life began.
  if (std::ranges::any_of(service.actions, is_open)) return std::nullopt;
  const rules::RolloutStatus* gate = rollout_of(service, id);
  if (gate == nullptr) return std::nullopt;
  const rules::RolloutStatus* undone = nullptr;
  for (const rules::RolloutStatus& past : service.past) {
    const bool was_open = std::ranges::any_of(
        past.intents, [&](const std::string& intent) { return resumed.contains(intent); });
    if (was_open && past.id != id && past.candidate == gate->candidate) undone = &past;
  }
  const bool did_nothing = gate->state == rules::RolloutState::failed && gate->intents.empty();
  return result_of(did_nothing && undone != nullptr ? *undone : *gate);
}

std::string text_of(const RolloutResult& result, const Style& style) {
  constexpr std::size_t kWhyBytesMax = 4'000;
  const std::string verdict{name_of(result.code)};
  // "interrupted: what is deployed stays as it is" begins with it.
  const bool is_said = result.code == kExitInterrupted && result.why.starts_with(verdict);
  return fmt::format(
      "{}{}\n", style.bold(result.code == kExitPass ? style.green(verdict) : style.red(verdict)),
      is_said ? sanitize(result.why.substr(verdict.size()), kWhyBytesMax)
              : " " + sanitize(result.why, kWhyBytesMax));
}

GateWatch::GateWatch(std::string service, std::string candidate, std::string id)
    : service_(std::move(service)), candidate_(std::move(candidate)), id_(std::move(id)) {}

void GateWatch::publish(const rules::Snapshot& snapshot) {
  const auto found = std::ranges::find_if(
      snapshot.services, [this](const auto& service) { return service.name == service_; });
  if (found == snapshot.services.end()) return;
  for (const rules::ActionStatus& action : found->actions) {
    if (is_open(action)) resumed_.insert(action.intent);
  }
  const auto now = gate_result(*found, id_, resumed_);
  const std::lock_guard lock{mutex_};
  status_ = *found;
  if (now) result_ = now;
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
    const rules::Mode mode = status_->rollout ? status_->rollout->mode : status_->mode;
    result.why +=
        fmt::format("; nothing was done ({}), {} stays as it is",
                    said.empty() ? fmt::format("mode {}", rules::name_of(mode)) : said, candidate_);
  }
  if (result.code == kExitUnknown) {
    if (const std::string hint = why_not_seen(*status_, candidate_); !hint.empty()) {
      result.why += "; " + hint;
    }
  }
  return result;
}

}  // namespace belay::monitor
