#include "monitor/journal_text.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/json_fields.h"
#include "exporters/recorded.h"

namespace belay::monitor {
namespace {

using exporters::number_in;
using exporters::parsed;
using exporters::text_in;

using nlohmann::json;
using Kind = rules::JournalEntry::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 14> kKinds{{
    {Kind::rollout_started, "rollout_started"},
    {Kind::rollout_moved, "rollout_moved"},
    {Kind::rollout_ended, "rollout_ended"},
    {Kind::commanded, "commanded"},
    {Kind::silenced, "silenced"},
    {Kind::fired, "fired"},
    {Kind::cleared, "cleared"},
    {Kind::intent, "intent"},
    {Kind::outcome, "outcome"},
    {Kind::verified, "verified"},
    {Kind::disarmed, "disarmed"},
    {Kind::notice, "notice"},
    {Kind::judged, "judged"},
    {Kind::evidence_lost, "evidence_lost"},
}};

}  // namespace

Error unreadable(const rules::JournalEntry& entry, const char* what) {
  std::string message = "the journal's ";
  message.append(name_of(entry.kind)).append(" ").append(entry.intent);
  message.append(" at ").append(format_utc(entry.at)).append(" has no usable ").append(what);
  return Error{Error::Kind::invalid, std::move(message)};
}

Result<rules::Order> order_of(const rules::JournalEntry& intent) {
  const json object = parsed(intent.text);
  if (!object.is_object()) return unreadable(intent, "text");
  rules::Order order;
  order.intent = intent.intent;
  order.at = intent.at;
  order.service = intent.service;
  order.rule = intent.rule;
  order.reason = text_in(object, "reason");
  order.candidate = text_in(object, "candidate");
  order.baseline = text_in(object, "baseline");
  order.rollout = text_in(object, "rollout");
  order.evidence = exporters::evidence_in(object);
  const std::string kind = text_in(object, "kind");
  if (kind == "rollback") {
    rules::RollBack rollback{text_in(object, "target"), text_in(object, "expected")};
    if (rollback.target.empty()) return unreadable(intent, "target");
    order.action = std::move(rollback);
  } else if (kind == "reset_flag") {
    rules::ResetFlag reset{text_in(object, "flag")};
    if (reset.flag.empty()) return unreadable(intent, "flag");
    order.action = std::move(reset);
  } else if (kind == "run") {
    rules::RunCommand run{text_in(object, "command")};
    if (run.command.empty()) return unreadable(intent, "command");
    order.action = std::move(run);
  } else if (kind == "move") {
    rules::MoveTraffic move{.candidate = order.candidate,
                            .baseline = order.baseline,
                            .percent = number_in<double>(object, "percent"),
                            .expected = exporters::shares_in(object, "expected")};
    if (move.candidate.empty()) return unreadable(intent, "candidate");
    if (move.percent <= 0 || move.percent > 100) return unreadable(intent, "percent");
    order.action = std::move(move);
  } else {
    return unreadable(intent, "kind");
  }
  return order;
}

Result<rules::Disarmed> disarmed_of(const rules::JournalEntry& disarmed) {
  const json object = parsed(disarmed.text);
  if (!object.is_object()) return unreadable(disarmed, "text");
  const auto until = object.find("until_ms");
  if (until == object.end() || !until->is_number_integer()) return unreadable(disarmed, "until_ms");
  return rules::Disarmed{.at = disarmed.at,
                         .service = disarmed.service,
                         .until = from_unix_ms(until->get<std::int64_t>()),
                         .by = text_in(object, "by")};
}

std::optional<rules::ActionOutcome::Phase> final_phase_of(const rules::JournalEntry& outcome) {
  const json object = parsed(outcome.text);
  if (!object.is_object()) return std::nullopt;
  const auto phase = exporters::phase_named(text_in(object, "phase"));
  return phase && is_final(*phase) ? phase : std::nullopt;
}

bool is_final_outcome(const rules::JournalEntry& outcome) {
  return final_phase_of(outcome).has_value();
}

std::string_view name_of(Kind kind) {
  for (const auto& [one, name] : kKinds) {
    if (one == kind) return name;
  }
  check_failed("kind", "a journal entry of no kind");
}

std::optional<Kind> journal_kind_of(std::string_view name) {
  for (const auto& [kind, one] : kKinds) {
    if (one == name) return kind;
  }
  return std::nullopt;
}

}  // namespace belay::monitor
