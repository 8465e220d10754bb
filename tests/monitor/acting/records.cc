#include "tests/monitor/acting/records.h"

#include <cstdio>

#include <nlohmann/json.hpp>

namespace belay::test {

using nlohmann::json;

std::string intent_id(int number) {
  char text[37];
  std::snprintf(text, sizeof text, "%08x-0000-4000-8000-000000000000",
                static_cast<unsigned>(number));
  return text;
}

rules::Order rollback_order(int number, Instant at, const std::string& service) {
  rules::Order order;
  order.intent = intent_id(number);
  order.at = at;
  order.service = service;
  order.action = rules::RollBack{kGoodVersion, kBadVersion};
  order.rule = "rollout/5xx";
  order.reason = "5xx rate 12.4% (31 of 250) > 5% over 1m";
  order.candidate = kBadVersion;
  order.baseline = kGoodVersion;
  rules::Evidence evidence;
  evidence.what = "5xx rate";
  evidence.value = 0.124;
  evidence.has_value = true;
  evidence.threshold = 0.05;
  evidence.numerator = 31;
  evidence.denominator = 250;
  evidence.window = std::chrono::minutes{1};
  order.evidence.push_back(evidence);
  return order;
}

rules::JournalEntry intent_entry(const rules::Order& order) {
  json text = {{"service", order.service},   {"rule", order.rule},
               {"reason", order.reason},     {"candidate", order.candidate},
               {"rollout", order.rollout},   {"baseline", order.baseline},
               {"at_ms", unix_ms(order.at)}, {"evidence", json::array()}};
  for (const rules::Evidence& one : order.evidence) {
    text["evidence"].push_back({{"what", one.what},
                                {"value", one.value},
                                {"threshold", one.threshold},
                                {"numerator", one.numerator},
                                {"denominator", one.denominator},
                                {"window_ms", one.window / std::chrono::milliseconds{1}}});
  }
  if (const auto* rollback = std::get_if<rules::RollBack>(&order.action)) {
    text["kind"] = "rollback";
    text["target"] = rollback->target;
    text["expected"] = rollback->expected;
  } else if (const auto* reset = std::get_if<rules::ResetFlag>(&order.action)) {
    text["kind"] = "reset_flag";
    text["flag"] = reset->flag;
  } else if (const auto* move = std::get_if<rules::MoveTraffic>(&order.action)) {
    text["kind"] = "move";
    text["percent"] = move->percent;
    text["expected"] = json::array();
    for (const auto& share : move->expected) {
      text["expected"].push_back({{"version", share.version}, {"percent", share.percent}});
    }
  } else {
    text["kind"] = "run";
    text["command"] = std::get<rules::RunCommand>(order.action).command;
  }
  return {.kind = rules::JournalEntry::Kind::intent,
          .at = order.at,
          .service = order.service,
          .rule = order.rule,
          .intent = order.intent,
          .text = text.dump()};
}

rules::JournalEntry outcome_entry(const std::string& intent, rules::ActionOutcome::Phase phase,
                                  Instant at, const std::string& service) {
  const json text = {{"phase", rules::name_of(phase)}, {"detail", ""}};
  return {.kind = rules::JournalEntry::Kind::outcome,
          .at = at,
          .service = service,
          .rule = "",
          .intent = intent,
          .text = text.dump()};
}

rules::JournalEntry started_entry(int number, Instant at, const std::string& service) {
  const json text = {{"rollout", intent_id(number)},
                     {"candidate", kBadVersion},
                     {"baseline", kGoodVersion},
                     {"steps", "10% for 10m, 100%"},
                     {"driving", true},
                     {"irreversible", false},
                     {"train", "spring"},
                     {"commit", "abc"},
                     {"committed_at_ms", 7},
                     {"mode", "recommend"},
                     {"by", "ci"}};
  return {.kind = rules::JournalEntry::Kind::rollout_started,
          .at = at,
          .service = service,
          .rule = "",
          .intent = "",
          .text = text.dump()};
}

rules::JournalEntry moved_entry(int number, rules::RolloutState state, Instant at,
                                const std::string& service) {
  json text = {{"rollout", intent_id(number)},
               {"candidate", kBadVersion},
               {"baseline", kGoodVersion},
               {"state", rules::name_of(state)},
               {"step", 1},
               {"step_started_ms", unix_ms(at) - 1000},
               {"paused", true},
               {"approved", true},
               {"rule", "rollout/5xx"},
               {"verdict", "fail"},
               {"why", "because"}};
  if (state == rules::RolloutState::held) text["held"] = "shared_cause";
  return {.kind = rules::is_final(state) ? rules::JournalEntry::Kind::rollout_ended
                                         : rules::JournalEntry::Kind::rollout_moved,
          .at = at,
          .service = service,
          .rule = "",
          .intent = "",
          .text = text.dump()};
}

rules::JournalEntry fired_entry(int number, Instant at) {
  return {.kind = rules::JournalEntry::Kind::fired,
          .at = at,
          .service = "shop",
          .rule = "rule-" + std::to_string(number),
          .intent = "",
          .text = R"({"candidate": "", "then": "alert", "sentence": "", "evidence": []})"};
}

rules::JournalEntry against_entry(int rollout, rules::JournalEntry::Kind kind, Instant at,
                                  const std::string& rule) {
  return {.kind = kind,
          .at = at,
          .service = "shop",
          .rule = rule,
          .intent = "",
          .text = json{{"candidate", ""}, {"sentence", ""}, {"against", kBadVersion}}.dump(),
          .rollout = intent_id(rollout)};
}

}  // namespace belay::test
