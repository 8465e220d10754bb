#pragma once

#include <string>

#include "base/time.h"
#include "rules/judgement/names.h"
#include "rules/rollout/version_history.h"
#include "rules/service.h"

namespace belay::rules {

struct NamedVersions {
  NameId candidate = kNoName;
  NameId baseline = kNoName;
};

/// "beware: v1 was there before v4: are candidate and baseline swapped?", of a candidate v1 that
/// had traffic until now from before v4 had any; or, where the traffic does not tell who was first,
/// that was promoted or put back and has most of it, and v4 was neither. Else empty: also for an
/// old version that is put forward again and had lost its traffic to its baseline.
std::string beware_of_swap(const NamedVersions& named, const Service& service,
                           const VersionHistory& history, Instant now);

}  // namespace belay::rules
