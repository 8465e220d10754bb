#include "monitor/commands/replay_summary.h"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace belay::monitor {

using nlohmann::ordered_json;

std::string documents_text(const Replay::Summary& summary, const Style& style) {
  std::string text = fmt::format("{} documents, {} used",
                                 style.bold(std::to_string(summary.documents)), summary.used);
  std::uint64_t rejected = 0;
  std::string reasons;
  for (const auto& [reason, count] : summary.rejected) {
    rejected += count;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, reason);
  }
  text += rejected == 0 ? ", none rejected" : fmt::format(", {} rejected ({})", rejected, reasons);
  if (summary.first) {
    text += fmt::format("; {} from {}",
                        format_duration(std::chrono::round<std::chrono::milliseconds>(
                            *summary.last - *summary.first)),
                        format_utc(*summary.first));
  }
  return text + "\n";
}

ordered_json summary_json(const Replay::Summary& summary) {
  ordered_json json{{"documents", summary.documents}, {"used", summary.used},
                    {"rejected", summary.rejected},   {"events", summary.events},
                    {"bytes", summary.bytes},         {"steps", summary.steps}};
  if (summary.first) {
    json["first"] = format_utc(*summary.first);
    json["last"] = format_utc(*summary.last);
  }
  return json;
}

}  // namespace belay::monitor
