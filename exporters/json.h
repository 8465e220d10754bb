#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "rules/order.h"
#include "rules/snapshot.h"

namespace belay::exporters {

/// What Belay knows, as JSON: the one shape that the command line, the audit file and the API
/// share. Keys stand in a fixed order and arrays are sorted as the snapshot is, so equal states
/// give equal bytes. Instants are integers, milliseconds since the Unix epoch ("…_ms"); durations
/// and values are numbers in their base unit (seconds, bytes, shares from 0 to 1). What is not
/// known is absent, never zero.
nlohmann::ordered_json json_of(const rules::Evidence& evidence);
nlohmann::ordered_json json_of(const rules::RuleStatus& status);
nlohmann::ordered_json json_of(const rules::Notice& notice);
nlohmann::ordered_json json_of(const rules::SeriesTotals& series);
nlohmann::ordered_json json_of(const rules::QueueStatus& queue);
nlohmann::ordered_json json_of(const rules::ProbeStatus& probe);
nlohmann::ordered_json json_of(const rules::TopFailure& failure);
nlohmann::ordered_json json_of(const rules::RolloutNumbers& numbers);
nlohmann::ordered_json json_of(const rules::RolloutStatus& rollout);
nlohmann::ordered_json json_of(const rules::ActionStatus& action);
nlohmann::ordered_json json_of(const rules::SourceStatus& source);
nlohmann::ordered_json json_of(const rules::ServiceStatus& service);
nlohmann::ordered_json json_of(const rules::Snapshot& snapshot);

/// One line without a newline, or indented by `indent`. Invalid UTF-8 becomes U+FFFD; never throws.
std::string text_of(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace belay::exporters
