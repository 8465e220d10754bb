#include "monitor/train_result.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "rules/rollout/train.h"

namespace belay::monitor {
namespace {

using Train = std::vector<const rules::RolloutStatus*>;

/// Of several ends the one that comes first here is the train's.
constexpr std::array kWorstFirst = {kExitNotRecovered, kExitFail,       kExitRolledBack,
                                    kExitUnknown,      kExitSuperseded, kExitPass};

bool comes_before(const rules::RolloutStatus& one, const rules::RolloutStatus& other) {
  return std::ranges::find(other.after, one.service) != other.after.end();
}

/// Those that wait for nobody first, otherwise by name.
Train in_order(Train train) {
  std::ranges::sort(train, {}, [](const auto* rollout) { return rollout->service; });
  Train ordered;
  while (!train.empty()) {
    auto next = std::ranges::find_if(train, [&](const auto* one) {
      return std::ranges::none_of(train,
                                  [&](const auto* other) { return comes_before(*other, *one); });
    });
    if (next == train.end()) next = train.begin();
    ordered.push_back(*next);
    train.erase(next);
  }
  return ordered;
}

/// Somebody's fail was to take all back, and this one still is where the train has put it.
bool is_stranded(const Train& train) {
  const bool takes_all_back = std::ranges::any_of(train, [](const auto* one) {
    return one->takes_all_back && one->verdict == rules::Outcome::fail;
  });
  return takes_all_back && std::ranges::any_of(train, [](const auto* one) {
           const bool was_not_taken =
               one->rule == rules::kTrainRule && one->state == rules::RolloutState::failed;
           return one->state == rules::RolloutState::promoted || was_not_taken;
         });
}

}  // namespace

Train train_of(const rules::Snapshot& snapshot, const std::string& name) {
  std::map<std::string, const rules::RolloutStatus*> newest;
  std::optional<Instant> began;
  const auto look = [&](const rules::RolloutStatus& rollout) {
    if (rollout.train != name || name.empty() || !rollout.train_began) return;
    if (began && *rollout.train_began < *began) return;
    if (!began || *rollout.train_began > *began) newest.clear();
    began = rollout.train_began;
    newest[rollout.service] = &rollout;  // They come oldest first.
  };
  for (const rules::ServiceStatus& service : snapshot.services) {
    for (const rules::RolloutStatus& past : service.past) look(past);
    if (service.rollout) look(*service.rollout);
  }
  Train train;
  for (const auto& [service, rollout] : newest) train.push_back(rollout);
  return in_order(std::move(train));
}

std::optional<RolloutResult> result_of(const Train& train) {
  std::optional<RolloutResult> worst;
  // Of two that ended alike, the one that failed by itself says why.
  std::pair rank(kWorstFirst.size(), true);
  for (const rules::RolloutStatus* rollout : train) {
    const std::optional<RolloutResult> result = result_of(*rollout);
    if (!result) return std::nullopt;
    const auto found = std::ranges::find(kWorstFirst, result->code);
    const std::pair place(static_cast<std::size_t>(found - kWorstFirst.begin()),
                          rollout->rule == rules::kTrainRule);
    if (place >= rank) continue;
    rank = place;
    worst = RolloutResult{result->code,
                          rollout->service + " " + rollout->candidate + ": " + result->why};
  }
  if (worst && is_stranded(train))
    return RolloutResult{kExitNotRecovered, "not all of it was taken back: " + worst->why};
  return worst;
}

}  // namespace belay::monitor
