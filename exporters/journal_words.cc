#include "exporters/journal_words.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "base/time.h"
#include "exporters/json_fields.h"
#include "exporters/recorded.h"
#include "rules/language/units.h"

namespace belay::exporters {
namespace {

using nlohmann::json;
using Kind = rules::JournalEntry::Kind;

std::string after(const char* between, const std::string& text) {
  return text.empty() ? std::string() : between + text;
}

std::string words_of_start(const json& object) {
  const std::string baseline = text_in(object, "baseline");
  return text_in(object, "candidate") + " begins" +
         (baseline.empty() ? ", without a baseline" : " against " + baseline) + ": " +
         text_in(object, "steps") + (is_set_in(object, "driving") ? ", driving" : "") +
         after(", mode ", text_in(object, "mode")) + after(", by ", text_in(object, "by"));
}

std::string words_of_move(const json& object) {
  if (std::string restated = text_in(object, "restated"); !restated.empty()) return restated;
  const std::string state = text_in(object, "state");
  const std::string held = text_in(object, "held");
  std::string words = state + (held.empty() ? "" : " (" + held + ")");
  if (state == name_of(rules::RolloutState::baking))
    words += ", step " + std::to_string(number_in<std::size_t>(object, "step") + 1);
  return words + after(": ", text_in(object, "why"));
}

std::string words_of_intent(const json& object) {
  const std::string kind = text_in(object, "kind");
  const std::string reason = after(", because ", text_in(object, "reason"));
  if (kind == "rollback")
    return "roll back from " + text_in(object, "expected") +
           after(" to ", text_in(object, "target")) + reason;
  if (kind == "reset_flag") return "reset flag " + text_in(object, "flag") + reason;
  if (kind == "move")
    return "move " + rules::decimal_text(number_in<double>(object, "percent")) +
           "% of the traffic to " + text_in(object, "candidate") +
           after(", ", text_in(object, "reason"));
  return "run " + text_in(object, "command") + reason;
}

std::string words_of_brake(const rules::JournalEntry& entry, const json& object) {
  const std::string where = entry.service.empty() ? "everywhere" : "on " + entry.service;
  const Instant until = instant_in(object, "until_ms").value_or(entry.at);
  const bool is_disarm = entry.kind == Kind::disarmed;
  const std::string by = after(", by ", text_in(object, "by"));
  // Written in milliseconds, of a moment that is finer.
  if (until <= entry.at + std::chrono::milliseconds{1})
    return (is_disarm ? "actions again " : entry.rule + " no longer silent ") + where + by;
  return (is_disarm ? "no actions " : entry.rule + " silent ") + where + " until " +
         format_utc(until) + by;
}

std::string words_of_lost(const rules::JournalEntry& entry) {
  const rules::LostEvidence::Spell spell = lost_in(entry);
  if (spell.what == "restart") return spell.source + " was restarted: windows begin anew";
  if (spell.what == "gap")
    return spell.source + " lost events (" + spell.reason + "), at least " +
           std::to_string(spell.lost);
  if (spell.what == "refused")
    return std::to_string(spell.lost) + " " + spell.source + " do not count (" + spell.reason + ")";
  return spell.source + (spell.until ? " is whole again, after it was " : " is ") + spell.what;
}

std::string words_of_notice(const json& object) {
  const std::string headline = text_in(object, "headline");
  const std::string why = text_in(object, "why");
  return headline + (headline.ends_with(why) ? "" : "; " + why);
}

std::string first_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() || found->empty()) return {};
  return found->front().is_string() ? found->front().get<std::string>() : std::string();
}

std::string words_of(const rules::JournalEntry& entry, const json& object) {
  switch (entry.kind) {
    case Kind::rollout_started:
      return words_of_start(object);
    case Kind::rollout_moved:
    case Kind::rollout_ended:
      return words_of_move(object);
    case Kind::commanded: {
      const std::string answer = text_in(object, "answer");
      return text_in(object, "command") + after(" by ", text_in(object, "by")) +
             after(": ", text_in(object, "reason")) +
             (answer == "done" ? "" : " (not done: " + answer + ")");
    }
    case Kind::silenced:
    case Kind::disarmed:
      return words_of_brake(entry, object);
    case Kind::fired:
      return entry.rule + " fires: " + first_of(object, "evidence");
    case Kind::cleared:
      return entry.rule + " is fine again";
    case Kind::intent:
      return words_of_intent(object);
    case Kind::outcome:
      return text_in(object, "phase") + after(": ", text_in(object, "detail"));
    case Kind::verified:
      return text_in(object, "result") + after(": ", text_in(object, "why"));
    case Kind::notice:
      return words_of_notice(object);
    case Kind::judged:
      return "verdict " + text_in(object, "verdict");
    case Kind::evidence_lost:
      return words_of_lost(entry);
  }
  return {};
}

}  // namespace

std::string words_of(const rules::JournalEntry& entry) {
  const json object = parsed(entry.text);
  return object.is_object() ? sanitize(words_of(entry, object)) : std::string();
}

bool tells_more(const rules::JournalEntry& notice) {
  const std::string kind = text_in(parsed(notice.text), "kind");
  using Notice = rules::Notice::Kind;
  const auto kinds = {Notice::would_act, Notice::not_acted, Notice::unknown_too_long};
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](Notice one) { return kind == rules::name_of(one); });
}

nlohmann::ordered_json json_of(const rules::JournalEntry& entry) {
  nlohmann::ordered_json json{{"at_ms", unix_ms(entry.at)}};
  const auto put_if = [&json](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  put_if("service", entry.service);
  put_if("rollout", entry.rollout);
  put_if("rule", entry.rule);
  put_if("intent", entry.intent);
  put_if("what", words_of(entry));
  auto fields = nlohmann::ordered_json::parse(entry.text, nullptr, false);
  if (fields.is_object()) json["entry"] = std::move(fields);
  return json;
}

}  // namespace belay::exporters
