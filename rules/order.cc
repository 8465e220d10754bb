#include "rules/order.h"

namespace belay::rules {

const char* name_of(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::fired:
      return "fired";
    case Notice::Kind::cleared:
      return "cleared";
    case Notice::Kind::would_act:
      return "would_act";
    case Notice::Kind::acting:
      return "acting";
    case Notice::Kind::acted:
      return "acted";
    case Notice::Kind::not_acted:
      return "not_acted";
    case Notice::Kind::recovered:
      return "recovered";
    case Notice::Kind::not_recovered:
      return "not_recovered";
    case Notice::Kind::inconclusive:
      return "inconclusive";
    case Notice::Kind::rollout_started:
      return "rollout_started";
    case Notice::Kind::rollout_moved:
      return "rollout_moved";
    case Notice::Kind::rollout_held:
      return "rollout_held";
    case Notice::Kind::rollout_ended:
      return "rollout_ended";
    case Notice::Kind::unknown_too_long:
      return "unknown_too_long";
    case Notice::Kind::source_lost:
      return "source_lost";
    case Notice::Kind::source_back:
      return "source_back";
  }
  return "fired";
}

}  // namespace belay::rules
