#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "rules/judgement/verdict.h"
#include "rules/rollout/rollout_state.h"

namespace belay::rules {

/// The rule that an action of a train cites: no sentence has fired on the service itself.
inline constexpr const char* kTrainRule = "train";

/// One rollout of a train, as far as the train is concerned: the newest of its service in it.
struct TrainMember {
  std::string service;
  std::string rollout;
  std::string candidate;
  std::vector<std::string> after;  ///< Services; those that are not in the train do not count.
  bool takes_all_back = false;     ///< What its fail means for the others.
  RolloutState state{};
  Outcome verdict = Outcome::unknown;
  std::string why;
  std::string failed_by = {};  ///< Why it failed; `why` may be about what came of that.
  std::string fires = {};      ///< The rule that fires on it now that it is promoted; empty: none.
  /// The rule that does not fire on it yet and may soon: it is bad, or too young to be known.
  std::string may_fire = {};
  Instant started{};
  std::optional<Instant> ended;
  /// Its candidate may have traffic, or had it. A pending one that has it is judged at once.
  bool has_moved = false;
  bool is_off = false;          ///< Its candidate was rolled back, by whichever cause.
  bool was_taken_back = false;  ///< What ended it was the fail of another one.
};

/// Members by the train's name and when it began; those of one train by service.
using TrainKey = std::pair<std::string, Instant>;
using Trains = std::map<TrainKey, std::vector<TrainMember>>;

/// What is to become of one rollout of a train now.
struct TrainTurn {
  enum class Kind : std::uint8_t {
    waits,       ///< It stays pending; `why` names whom it waits for.
    begins,      ///< Those before it are promoted, and no rule fires on one, or may soon.
    ends,        ///< The train has stopped before it moved anything; `why` names what stopped it.
    taken_back,  ///< It is rolled back, because another one failed.
    stranded,    ///< It stays as it is, although the train is to be taken back: told to people.
  } kind{};
  std::string service;
  std::string rollout;
  std::string why;
};

/// The turns that are due, by service. A pure function of where the members stand, so that it says
/// the same after a restart, and nothing twice: what was done is seen in the states
/// (docs/adr/0008-trains.md).
///
/// - A fail stops the whole train; another end that is no pass stops those that come after it.
/// - One whose fail takes all back waits until its own rollback is done and verified. Then the
///   others follow: what still bakes first, then what was promoted, newest first, each only when
///   the one before has recovered. Where one does not, the rest is stranded.
std::vector<TrainTurn> turns_of(const std::vector<TrainMember>& train);

/// Why no rollout of the train may get more traffic; nothing while it goes on. A fail, or for as
/// long as a rule fires on one that was promoted.
std::optional<std::string> why_stopped(const std::vector<TrainMember>& train);

/// Services that wait for each other, in their order and with the first one again at the end;
/// empty if there are none. Services that are named and not listed wait for nobody.
std::vector<std::string> cycle_in(const std::map<std::string, std::vector<std::string>>& after);

/// "gateway after journeys after gateway".
std::string words_of_cycle(const std::vector<std::string>& cycle);

}  // namespace belay::rules
