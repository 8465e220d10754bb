#include "rules/rollout/train.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace belay::rules {
namespace {

using enum RolloutState;
using Members = std::vector<const TrainMember*>;

bool is_promoted(const TrainMember& member) { return member.state == promoted; }

/// It failed by itself.
bool is_fail(const TrainMember& member) {
  return !is_judged(member.state) && member.verdict == Outcome::fail && !member.was_taken_back;
}

/// It ended, or is about to end, as something else than promoted.
bool is_stop(const TrainMember& member) { return !is_judged(member.state) && !is_promoted(member); }

const TrainMember* find(const std::vector<TrainMember>& train, const std::string& service) {
  const auto found = std::find_if(train.begin(), train.end(), [&](const TrainMember& member) {
    return member.service == service;
  });
  return found == train.end() ? nullptr : &*found;
}

/// Who stops it among those that come before it, however far.
const TrainMember* stop_before(const std::vector<TrainMember>& train, const TrainMember& member,
                               std::set<std::string>& seen) {
  for (const std::string& service : member.after) {
    const TrainMember* before = find(train, service);
    if (before == nullptr || !seen.insert(service).second) continue;
    if (is_stop(*before)) return before;
    if (const TrainMember* found = stop_before(train, *before, seen)) return found;
  }
  return nullptr;
}

/// `takes_all_back`: of those only whose fail means so.
const TrainMember* first_fail(const std::vector<TrainMember>& train, bool takes_all_back) {
  const TrainMember* first = nullptr;
  for (const TrainMember& member : train)
    if (is_fail(member) && (member.takes_all_back || !takes_all_back) &&
        (first == nullptr ||
         member.ended.value_or(Instant::max()) < first->ended.value_or(Instant::max())))
      first = &member;
  return first;
}

const TrainMember* stop_of(const std::vector<TrainMember>& train, const TrainMember& member) {
  if (const TrainMember* fail = first_fail(train, false)) return fail;
  std::set<std::string> seen = {member.service};
  return stop_before(train, member, seen);
}

std::string words_of(const TrainMember& member, const std::string& what, const std::string& why) {
  return member.service + " " + member.candidate + " " + what + (why.empty() ? "" : ": " + why);
}

std::string words_of_state(const TrainMember& member) {
  return words_of(member, "is " + std::string(name_of(member.state)), member.why);
}

std::string words_of_stop(const TrainMember& member) {
  return is_fail(member) ? words_of(member, "failed", member.failed_by) : words_of_state(member);
}

const TrainMember* failing_since_promotion(const std::vector<TrainMember>& train) {
  const auto found = std::ranges::find_if(train, [](const TrainMember& member) {
    return is_promoted(member) && !member.fires.empty();
  });
  return found == train.end() ? nullptr : &*found;
}

std::string words_of_firing(const TrainMember& member) {
  return words_of(member, "was promoted, and this fires on it now", member.fires);
}

/// Why nothing begins although those before it are promoted; nothing if it may.
std::optional<std::string> doubt_of_promoted(const std::vector<TrainMember>& train) {
  if (const TrainMember* failing = failing_since_promotion(train)) return words_of_firing(*failing);
  for (const TrainMember& member : train)
    if (is_promoted(member) && !member.may_fire.empty())
      return words_of(member, "was promoted, and this may fire on it", member.may_fire);
  return std::nullopt;
}

TrainTurn turn(TrainTurn::Kind kind, const TrainMember& member, std::string why) {
  return {
      .kind = kind, .service = member.service, .rollout = member.rollout, .why = std::move(why)};
}

/// Of one that has not moved anything.
TrainTurn turn_of_waiting(const std::vector<TrainMember>& train, const TrainMember& member) {
  std::string waiting;
  for (const std::string& service : member.after) {
    const TrainMember* before = find(train, service);
    if (before != nullptr && !is_promoted(*before) && before != &member)
      waiting += (waiting.empty() ? "" : ", ") + service;
  }
  if (!waiting.empty()) return turn(TrainTurn::Kind::waits, member, "waits for " + waiting);
  if (const std::optional<std::string> doubt = doubt_of_promoted(train))
    return turn(TrainTurn::Kind::waits, member, "waits: " + *doubt);
  return turn(TrainTurn::Kind::begins, member, "it is its turn");
}

/// What stands against going on with taking back, now that one has ended so; nothing if its
/// rollback is done and verified: one that a flag or a command has mended stays, and so do the
/// others. A fail that goes on after its own rollback may be the others'.
std::optional<std::string> hindrance(const TrainMember& member) {
  if (member.state == recovered && member.is_off) return std::nullopt;
  if (member.state == not_recovered && member.is_off && !member.was_taken_back) return std::nullopt;
  return words_of_state(member);
}

/// What is to be taken back, in the order in which it is.
Members to_take_back(const std::vector<TrainMember>& train) {
  Members members;
  for (const TrainMember& member : train)
    if (is_promoted(member) || (is_judged(member.state) && member.has_moved))
      members.push_back(&member);
  const auto rank = [](const TrainMember& member) {
    // Services of one moment were promoted in the order of their names.
    return std::tuple(member.ended.value_or(Instant::max()), member.started, member.service);
  };
  std::stable_sort(members.begin(), members.end(),
                   [&](const auto* left, const auto* right) { return rank(*left) > rank(*right); });
  return members;
}

void add_taking_back(const std::vector<TrainMember>& train, const TrainMember& fail,
                     std::vector<TrainTurn>& turns) {
  const Members members = to_take_back(train);
  if (members.empty()) return;
  std::optional<std::string> stopped;
  for (const TrainMember& member : train) {
    if (!is_fail(member) && !member.was_taken_back) continue;
    if (!is_final(member.state)) return;  // Each is verified before the next.
    if (!stopped) stopped = hindrance(member);
  }
  if (!stopped) {
    turns.push_back(turn(TrainTurn::Kind::taken_back, *members.front(), words_of_stop(fail)));
    return;
  }
  for (const TrainMember* member : members)
    turns.push_back(turn(TrainTurn::Kind::stranded, *member, *stopped));
}

}  // namespace

std::vector<TrainTurn> turns_of(const std::vector<TrainMember>& train) {
  std::vector<TrainTurn> turns;
  for (const TrainMember& member : train) {
    if (!is_judged(member.state) || (member.has_moved && member.state != pending)) continue;
    if (member.has_moved) {
      turns.push_back(turn(TrainTurn::Kind::begins, member, "it has traffic before its turn"));
    } else if (const TrainMember* stop = stop_of(train, member)) {
      turns.push_back(turn(TrainTurn::Kind::ends, member, words_of_stop(*stop)));
    } else if (member.state == pending) {
      turns.push_back(turn_of_waiting(train, member));
    }
  }
  if (const TrainMember* fail = first_fail(train, true)) add_taking_back(train, *fail, turns);
  std::stable_sort(turns.begin(), turns.end(), [](const TrainTurn& left, const TrainTurn& right) {
    return left.service < right.service;
  });
  return turns;
}

std::optional<std::string> why_stopped(const std::vector<TrainMember>& train) {
  if (const TrainMember* fail = first_fail(train, false)) return words_of_stop(*fail);
  if (const TrainMember* failing = failing_since_promotion(train)) return words_of_firing(*failing);
  return std::nullopt;
}

namespace {

using After = std::map<std::string, std::vector<std::string>>;

/// Whether a cycle is found from here; `path` then ends with it.
bool runs_in_circles(const After& after, const std::string& service, std::set<std::string>& done,
                     std::vector<std::string>& path) {
  const bool is_again = std::find(path.begin(), path.end(), service) != path.end();
  path.push_back(service);
  if (is_again) return true;
  const auto found = after.find(service);
  if (found != after.end() && !done.contains(service))
    for (const std::string& before : found->second)
      if (runs_in_circles(after, before, done, path)) return true;
  done.insert(service);
  path.pop_back();
  return false;
}

}  // namespace

std::vector<std::string> cycle_in(const After& after) {
  std::set<std::string> done;
  for (const auto& [service, before] : after) {
    std::vector<std::string> path;
    if (!runs_in_circles(after, service, done, path)) continue;
    path.erase(path.begin(), std::find(path.begin(), path.end(), path.back()));
    return path;
  }
  return {};
}

std::string words_of_cycle(const std::vector<std::string>& cycle) {
  std::string words;
  for (const std::string& service : cycle) words += (words.empty() ? "" : " after ") + service;
  return words;
}

}  // namespace belay::rules
