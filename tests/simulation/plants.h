#pragma once

#include "tests/simulation/plant.h"

/// Bugs that others have had, for the simulator to find. Each is wrapped around a port; the product
/// knows nothing of them.
namespace belay::simulation {

Plant blind_retry();         ///< An ambiguous answer is sent again, without a look.
Plant no_fence();            ///< Whatever is live is taken for what was judged.
Plant previous_version();    ///< Goes back to what was live before, not to the frozen target.
Plant acting_unrecorded();   ///< The journal says "durable" before it is.
Plant forgotten_intents();   ///< What was under way is forgotten at a restart.
Plant forgotten_actions();   ///< What was done is forgotten at a restart: caps, cooldowns.
Plant forgotten_rollouts();  ///< What was being watched is forgotten at a restart.
Plant forgotten_disarms();   ///< That nothing may be done is forgotten at a restart.
Plant lost_outcomes();       ///< What became of an action does not reach the engine.
Plant stale_is_healthy();    ///< A silent source is filled with what it said last.
Plant counting_twice();      ///< Repeated evidence cannot be told from new.
Plant wall_clock();          ///< Time is what the wall clock shows.
Plant deaf_route();          ///< One of those who are told misses what comes at a busy moment.
Plant told_again();          ///< An outcome that is final is recorded once more.
Plant leaky_lane();          ///< Evidence is dropped now and then, and nobody counts it.
Plant forgotten_silences();  ///< What nobody wants to hear of is told after a restart.

// Of rollouts (rollout_plants.cc).
Plant bake_that_goes_on();         ///< A restart does not begin the bake of a step anew.
Plant forgotten_pauses();          ///< What was held goes on after a restart.
Plant skipped_steps();             ///< After a restart the step that was judged counts as passed.
Plant deaf_actor();                ///< What was aborted, paused or disarmed is sent all the same.
Plant no_freezes();                ///< Traffic is moved at any hour.
Plant no_questions();              ///< The first step begins whatever is known.
Plant promoting_at_the_maximum();  ///< What is not known by the hard maximum passes.
Plant going_back_to_baking();      ///< What is over is watched again after a restart.
Plant passing_what_failed();       ///< After a restart what was rolled back counts as passed.
Plant seeing_ghosts();             ///< A deployment is read wrongly: somebody else's is live.
Plant forgotten_holds();           ///< Why it waits is forgotten at a restart.
Plant forgotten_reasons();         ///< Which rule failed it is forgotten at a restart.
Plant gone_by_word();              ///< What was rolled back from is not looked at any more.

}  // namespace belay::simulation
