#include "monitor/commands/show_rollout.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/sanitize.h"
#include "exporters/json_fields.h"
#include "rules/order.h"
#include "rules/rollout/nothing_done.h"
#include "rules/rollout/train.h"

namespace belay::monitor {
namespace {

using exporters::array_in;
using exporters::instant_in;
using exporters::number_in;
using exporters::text_in;
using nlohmann::json;

/// Empty where it goes on by itself, or where a person has to think first.
std::string next_of(const json& rollout) {
  const std::string held = text_in(rollout, "held");
  const std::string id = text_in(rollout, "id");
  if (held == "paused") return "belay rollout resume " + id;
  if (held == "approval") return "belay rollout approve " + id;
  // It goes on by itself when that is mended; a person may also go on without.
  if (held == "preflight") return "mend that, or go on without: belay rollout approve " + id;
  return "";
}

/// What was noted as it began: whence its baseline is, and what was passed over.
std::vector<std::string> notes_of_start(const json& rollout) {
  std::vector<std::string> notes;
  const auto& timeline = array_in(rollout, "timeline");
  if (rollout.contains("ended_ms") || timeline.empty()) return notes;
  const json& first = *timeline.begin();
  for (const json& moment : timeline) {
    if (!moment.is_object() || moment == first ||
        text_in(moment, "state") != text_in(first, "state") ||
        instant_in(moment, "at_ms") != instant_in(first, "at_ms"))
      continue;
    notes.push_back(text_in(moment, "what"));
  }
  return notes;
}

/// Of one that has failed, and nothing was done.
std::string done_of(const json& rollout) {
  if (text_in(rollout, "state") != "failed") return "";
  const std::string why = why_nothing_was_done(rollout);
  return "nothing: " +
         (why.empty() ? "`belay report " + text_in(rollout, "id") + "` says why" : why);
}

/// Of a rollout in steps: who moves it.
std::string traffic_of(const json& rollout) {
  if (number_in<int>(rollout, "step_count") < 2) return "";
  return exporters::is_set_in(rollout, "driving") ? "moved by Belay"
                                                  : "followed: somebody else moves it";
}

std::string step_of(const json& rollout) {
  const auto since = instant_in(rollout, "step_started_ms");
  if (!since || *since == Instant{}) return "";
  std::string text = fmt::format("{} of {}, since {}", number_in<int>(rollout, "step") + 1,
                                 number_in<int>(rollout, "step_count"), format_utc(*since));
  const auto ends = instant_in(rollout, "ends_ms");
  if (ends && text_in(rollout, "state") == "baking")
    text += ", until " + format_utc(*ends) + " or later";
  return text;
}

}  // namespace

std::string cause_of(const json& rollout) {
  for (const json& moment : array_in(rollout, "timeline"))
    if (text_in(moment, "state") == "rolling_back") return text_in(moment, "what");
  const std::string state = text_in(rollout, "state");
  const std::string rule = text_in(rollout, "failed_by");
  if (rule.empty() || text_in(rollout, "verdict") != "fail" || state == "failed" ||
      state == "rolling_back")
    return "";
  if (rule == rules::kByHand) return "rolled back by hand";
  return rule == rules::kTrainRule ? "its train failed" : rule + " fired";
}

std::string why_nothing_was_done(const json& rollout) {
  if (text_in(rollout, "state") != "failed") return "";
  for (const json& moment : array_in(rollout, "timeline"))
    if (const std::string what = text_in(moment, "what"); what.starts_with(rules::kNothingDone))
      return what.substr(rules::kNothingDone.size());
  const std::string mode = text_in(rollout, "mode");
  return mode.empty() || mode == "enforce" ? "" : "mode " + mode;
}

std::string text_of_disarmed(const json& list) {
  std::string text;
  for (const json& one : array_in(list, "disarmed"))
    if (const auto until = instant_in(one, "until_ms"))
      text += fmt::format("{} is disarmed until {}: no action will be taken\n",
                          sanitize(text_in(one, "service")), format_utc(*until));
  return text;
}

std::string text_of_rollout(const json& rollout, const Style& style) {
  std::string text =
      fmt::format("{} {}\n", style.bold("rollout"), sanitize(text_in(rollout, "id")));
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<10} {}\n", name, sanitize(value, 2000));
  };
  row("service", text_in(rollout, "service"));
  row("mode", text_in(rollout, "mode"));
  if (const auto disarmed = instant_in(rollout, "disarmed_until_ms"))
    row("disarmed", "until " + format_utc(*disarmed) + ": no action will be taken");
  row("candidate", text_in(rollout, "candidate"));
  const std::string baseline = text_in(rollout, "baseline");
  row("baseline", baseline.empty() ? "none: comparisons stay unknown" : baseline);
  for (const std::string& note : notes_of_start(rollout)) row("", note);
  row("steps", text_in(rollout, "steps"));
  row("traffic", traffic_of(rollout));
  row("step", step_of(rollout));
  const std::string held = text_in(rollout, "held");
  row("state", text_in(rollout, "state") + (held.empty() ? "" : " (" + held + ")"));
  row("result", text_in(rollout, "result"));
  row("because", cause_of(rollout));
  row("why", text_in(rollout, "why"));
  row("done", done_of(rollout));
  row("next", next_of(rollout));
  for (const json& rule : array_in(rollout, "rules")) {
    row("rule", fmt::format("{} {}: {}", text_in(rule, "truth"), text_in(rule, "rule"),
                            text_in(rule, "sentence")));
    for (const json& evidence : array_in(rule, "evidence")) {
      const std::string measured = text_in(evidence, "text");
      // Its limit is not known yet either.
      if (measured.find("(not judged yet)") == std::string::npos) row("", measured);
    }
  }
  return text;
}

}  // namespace belay::monitor
