#include "monitor/commands/notice_output.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "exporters/notice_text.h"

namespace belay::monitor {
namespace {

using Kind = rules::Notice::Kind;

/// A mark that can be told without its colour.
std::string mark_of(const rules::Notice& notice, const Style& style) {
  switch (notice.kind) {
    case Kind::fired:
    case Kind::not_acted:
    case Kind::not_recovered:
    case Kind::source_lost:
      return style.red("✖");
    case Kind::cleared:
    case Kind::recovered:
    case Kind::source_back:
      return style.green("✔");
    case Kind::acting:
    case Kind::acted:
      return style.blue("➜");
    case Kind::would_act:
    case Kind::inconclusive:
    case Kind::rollout_held:
    case Kind::unknown_too_long:
      return style.yellow("!");
    case Kind::rollout_started:
    case Kind::rollout_moved:
    case Kind::rollout_ended:
      return style.bold("●");
  }
  return " ";
}

}  // namespace

std::string line_of(const rules::Evidence& evidence) {
  return fmt::format("{} {}", evidence.what, describe(evidence));
}

std::string text_of(const rules::Notice& notice, const Style& style) {
  const std::string time = format_utc(notice.at);
  std::string text = fmt::format("{} {} {:<12} {}\n", style.dim(time), mark_of(notice, style),
                                 rules::name_of(notice.kind), sanitize(notice.headline));
  const auto add = [&](std::string_view line) {
    text += fmt::format("{:>{}}{}\n", "", time.size() + 3, style.dim(line));
  };
  for (const std::string& line : exporters::lines_of(notice)) add(line);
  return text;
}

nlohmann::ordered_json json_of(const rules::Notice& notice, Instant start) {
  nlohmann::ordered_json json{{"t", seconds(notice.at - start)}};
  json.update(exporters::json_of(notice));
  return json;
}

}  // namespace belay::monitor
