#include <utility>

#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "exporters/report.h"

namespace belay::exporters {
namespace {

using nlohmann::ordered_json;

void put_if(ordered_json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

void put_if(ordered_json& json, const char* key, std::optional<Duration> duration) {
  if (duration) json[key] = seconds(*duration);
}

void put_if(ordered_json& json, const char* key, std::optional<Instant> at) {
  if (at) json[key] = unix_ms(*at);
}

ordered_json action_json(const Report::Action& action) {
  ordered_json json{{"intent", action.intent},
                    {"action", action.kind},
                    {"what", action.words},
                    {"at_ms", unix_ms(action.at)}};
  if (action.phase) json["phase"] = name_of(*action.phase);
  put_if(json, "ended_ms", action.ended);
  put_if(json, "detail", action.detail);
  put_if(json, "by_hand", action.by_hand);
  if (action.verified) json["verified"] = *action.verified;
  put_if(json, "verified_ms", action.verified_at);
  put_if(json, "why", action.why);
  if (!action.evidence.empty()) {
    json["evidence"] = ordered_json::array();
    for (const rules::Evidence& one : action.evidence) json["evidence"].push_back(json_of(one));
  }
  return json;
}

ordered_json spell_json(const rules::LostEvidence::Spell& spell) {
  ordered_json json{
      {"source", spell.source}, {"what", spell.what}, {"since_ms", unix_ms(spell.since)}};
  put_if(json, "until_ms", spell.until);
  put_if(json, "reason", spell.reason);
  if (spell.lost > 0) json["lost"] = spell.lost;
  return json;
}

}  // namespace

ordered_json json_of(const Report& report) {
  ordered_json json{{"summary", verdict_of(report)}};
  json.update(json_of(report.rollout));
  json.erase("timeline");
  put_if(json, "decided_ms", report.decided);
  put_if(json, "decided_by", report.decided_by);
  put_if(json, "time_to_detect_seconds", report.time_to_detect());
  put_if(json, "time_to_act_seconds", report.time_to_act());
  put_if(json, "time_to_recover_seconds", report.time_to_recover());
  json["has_evidence"] = report.has_evidence;
  json["evidence_lost"] = ordered_json::array();
  for (const rules::LostEvidence::Spell& spell : report.lost)
    json["evidence_lost"].push_back(spell_json(spell));
  json["actions"] = ordered_json::array();
  for (const Report::Action& action : report.actions)
    json["actions"].push_back(action_json(action));
  put_if(json, "undo", report.commands.undo);
  put_if(json, "logs", report.commands.logs);
  json["timeline"] = ordered_json::array();
  for (const Report::Moment& moment : report.timeline)
    json["timeline"].push_back({{"at_ms", unix_ms(moment.at)}, {"what", moment.what}});
  if (report.is_cut) json["cut"] = true;
  return json;
}

}  // namespace belay::exporters
