#include "exporters/report.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "monitor/api/past.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "monitor/rollout_result.h"
#include "monitor/rollout_text.h"

namespace belay::monitor {
namespace {

constexpr std::string_view kMarkdown = "text/markdown";

/// What the engine shows of a rollout that is judged, with all rules that count for it.
std::optional<rules::RolloutStatus> live_of(const rules::Snapshot& snapshot,
                                            const std::string& id) {
  const rules::RolloutStatus* rollout = rollout_of(snapshot, id);
  if (rollout == nullptr || !is_judged(rollout->state)) return std::nullopt;
  rules::RolloutStatus live = *rollout;
  const rules::ServiceStatus* service = service_of(snapshot, rollout->service);
  if (service == nullptr) return live;
  for (const rules::RuleStatus& rule : service->rules) {
    const bool is_there = std::ranges::any_of(
        live.rules, [&](const rules::RuleStatus& one) { return one.rule == rule.rule; });
    if (!is_there && rule.then.kind != rules::Then::Kind::alert) live.rules.push_back(rule);
  }
  return live;
}

exporters::ServiceCommands commands_for(const ApiParts& parts, const std::string& service) {
  if (!parts.commands) return {};
  const exporters::CommandsByService all = parts.commands();
  const auto found = all.find(service);
  return found == all.end() ? exporters::ServiceCommands{} : found->second;
}

net::Outgoing shown(const exporters::Report& report, bool is_markdown) {
  if (is_markdown) {
    return {.content_type = "text/markdown; charset=utf-8", .body = exporters::markdown_of(report)};
  }
  nlohmann::ordered_json json = exporters::json_of(report);
  if (const auto result = result_of(report.rollout)) {
    json["result"] = name_of(result->code);
    json["exit_code"] = static_cast<int>(result->code);
  }
  return answer_json(json);
}

}  // namespace

net::Outgoing show_report(const Call& call) {
  const std::string id = call.path.front();
  const std::string_view accept = call.request.header("accept").value_or("");
  const bool is_markdown = accept.find(kMarkdown) != std::string_view::npos;
  const auto compose = [&context = call.context, id, is_markdown,
                        gone = call.refuse({Problem::Kind::unknown_rollout,
                                            "the journal knows no rollout with this id"}),
                        request_id = call.request_id](const JournalLookup::Found& found)
      -> std::variant<net::Outgoing, JournalLookup::Question> {
    const auto& past = std::get<Journal::OfRollout>(found);
    if (past.entries.empty()) return gone;
    const Result<rules::RememberedRollout> known = known_rollout_of(past.entries);
    if (!known) {
      return answer_of({Problem::Kind::internal, known.error().message}, request_id);
    }
    const auto published = context.newest.published();
    const auto live = live_of(published->snapshot, id);
    const exporters::ReportParts parts{
        .known = *known,
        .mode = known->started.mode.value_or(rules::Mode::observe),
        .entries = past.entries,
        .is_cut = past.is_cut,
        .live = live ? &*live : nullptr,
        .commands = commands_for(context.parts, known->started.service)};
    return shown(exporters::compose_report(parts), is_markdown);
  };
  return look_into_past(call, JournalLookup::OfRollout{id}, compose);
}

}  // namespace belay::monitor
