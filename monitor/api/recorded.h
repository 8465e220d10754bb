#pragma once

#include "base/result.h"
#include "monitor/api/call.h"
#include "monitor/journal.h"
#include "net/http_listener.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// A call that outlives its request: for what is answered after the journal was read.
struct KeptCall {
  explicit KeptCall(const Call& of);
  KeptCall(const KeptCall&) = delete;
  KeptCall& operator=(const KeptCall&) = delete;
  KeptCall(KeptCall&&) = delete;
  KeptCall& operator=(KeptCall&&) = delete;
  ~KeptCall() = default;

  net::Incoming request;
  Call call;  ///< Its request is the one above.
};

/// Whether what is asked for may have begun before, under its Idempotency-Key, and there is a
/// journal to ask. While none can be written nothing begins anyway.
bool may_be_recorded(const Call& call);

/// As the journal tells it, without the rules and the timeline that only the engine had. An Error
/// if the entries cannot be used.
Result<rules::RolloutStatus> recorded_rollout(const Journal::OfRollout& past);

}  // namespace belay::monitor
