#pragma once

#include <cstdint>

#include "rules/snapshot.h"

namespace belay::test {

/// A picture with something of every kind in it: two services, a running gate, rules in every
/// state, queues, probes, sources, actions. Every metric has a sample on its page. Counters grow
/// with `turn`, and so do gauges, so that no rate over several turns is zero.
rules::Snapshot example_snapshot(std::uint64_t turn = 1);

/// "5xx rate is 12.4%, above 5%, 31 of 250 in 1m"; without a value if that is unknown.
rules::Evidence example_evidence(rules::Truth truth = rules::Truth::bad);

}  // namespace belay::test
