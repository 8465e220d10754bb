#include "exporters/slack_message.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "base/time.h"
#include "exporters/json.h"
#include "rules/rollout/notices.h"

namespace belay::exporters {
namespace {

using nlohmann::ordered_json;
using rules::Notice;

/// What Slack asks for: these three, and no others.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

/// Clean, and at most `bytes_max` when escaped.
std::string fitted(std::string_view text, std::size_t bytes_max) {
  for (std::size_t keep = bytes_max;; keep = keep * 3 / 4) {
    std::string out = escaped(sanitize(text, keep));
    if (out.size() <= bytes_max || keep == 0) return out;
  }
}

/// The lines that fit, and a word about those that do not.
std::string fitted(const std::vector<std::string>& lines, std::size_t bytes_max) {
  constexpr std::size_t kRoomForTheRest = 40;
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t used = out.size() + kRoomForTheRest;
    const std::string line = used < bytes_max ? fitted(lines[i], bytes_max - used) : "";
    if (line.empty()) {
      return out + "… and " + std::to_string(lines.size() - i) + " more lines";
    }
    out.append(out.empty() ? "" : "\n").append(line);
  }
  return out;
}

ordered_json plain(std::string text) {
  return {{"type", "plain_text"}, {"text", std::move(text)}, {"emoji", false}};
}

/// A command for copying. Verbatim: Slack makes no link of what looks like one.
ordered_json code(std::string_view title, std::string command, std::size_t bytes_max) {
  std::replace(command.begin(), command.end(), '`', '\'');  // It would end the block.
  constexpr std::size_t kFrame = 40;
  const std::string text =
      std::string(title) + "\n```" + fitted(command, bytes_max - kFrame) + "```";
  return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}, {"verbatim", true}}}};
}

const char* colour_of(const Notice& notice) {
  constexpr const char* kGood = "#2eb886";
  constexpr const char* kNeutral = "#439fe0";
  constexpr const char* kWarning = "#daa038";
  constexpr const char* kCritical = "#a30200";
  switch (notice.kind) {
    case Notice::Kind::cleared:
    case Notice::Kind::recovered:
    case Notice::Kind::source_back:
      return kGood;
    case Notice::Kind::rollout_started:
    case Notice::Kind::rollout_moved:
      return kNeutral;
    case Notice::Kind::rollout_ended:
      return notice.page ? kWarning : kNeutral;
    case Notice::Kind::source_lost:
    case Notice::Kind::inconclusive:
    case Notice::Kind::rollout_held:
    case Notice::Kind::unknown_too_long:
      return kWarning;
    case Notice::Kind::not_recovered:
      return kCritical;
    case Notice::Kind::fired:
    case Notice::Kind::would_act:
    case Notice::Kind::acting:
    case Notice::Kind::acted:
    case Notice::Kind::not_acted:
      break;
  }
  return notice.severity == rules::Severity::critical ? kCritical : kWarning;
}

/// Whether there is a rollback of ours to take back.
bool can_undo(const Notice& notice) {
  const bool is_of_action =
      notice.kind == Notice::Kind::acting || notice.kind == Notice::Kind::acted ||
      notice.kind == Notice::Kind::recovered || notice.kind == Notice::Kind::not_recovered ||
      notice.kind == Notice::Kind::inconclusive;
  return is_of_action && rules::is_of_rollback(notice);
}

ordered_json blocks_of(const Notice& notice, const std::vector<std::string>& lines,
                       const CommandsByService& commands, std::size_t bytes_max) {
  ordered_json blocks = ordered_json::array();
  const std::string title = std::string(title_of(notice.kind)) +
                            (notice.service.empty() ? "" : ": " + notice.service) +
                            (notice.rule.empty() ? "" : " · " + notice.rule);
  blocks.push_back({{"type", "header"}, {"text", plain(fitted(title, kSlackHeaderBytesMax))}});
  if (!lines.empty()) {
    blocks.push_back({{"type", "section"}, {"text", plain(fitted(lines, bytes_max))}});
  }
  if (const auto found = commands.find(notice.service); found != commands.end()) {
    const auto& [undo, logs] = found->second;
    if (can_undo(notice) && !undo.empty()) {
      blocks.push_back(code("To undo what Belay did", filled(undo, notice), bytes_max));
    }
    if (!logs.empty()) {
      blocks.push_back(code("To look at the logs", filled(logs, notice), bytes_max));
    }
  }
  const std::string origin = fitted(origin_of(notice), bytes_max);
  blocks.push_back({{"type", "context"}, {"elements", ordered_json::array({plain(origin)})}});
  return blocks;
}

/// "… (from 09:12:03Z, delivered late)"
std::string late(const std::string& headline, Instant at) {
  constexpr std::size_t kTimeBegins = std::string_view("2026-11-20T").size();
  constexpr std::size_t kTimeBytes = std::string_view("13:45:20").size();
  const std::string from = format_utc(at).substr(kTimeBegins, kTimeBytes);
  return headline + " (from " + from + "Z, delivered late)";
}

bool is_new(const std::string& line, const std::vector<std::string>& told) {
  return std::find(told.begin(), told.end(), line) == told.end();
}

/// Says nothing twice: notices that come together share much of their evidence. No text of it is
/// longer than `bytes_max`.
std::string message(const Outbox::Batch& batch, const CommandsByService& commands,
                    std::size_t bytes_max) {
  std::vector<std::string> headlines;
  std::vector<std::string> told;
  ordered_json attachments = ordered_json::array();
  for (std::size_t i = 0; i < batch.notices.size(); ++i) {
    const Notice& notice = batch.notices[i];
    std::string headline = sanitize(notice.headline);
    if (i < batch.late) headline = late(headline, notice.at);
    const std::string fallback = fitted(headline, kSlackHeaderBytesMax);
    if (is_new(headline, headlines)) headlines.push_back(std::move(headline));
    std::vector<std::string> lines;
    for (std::string& line : lines_of(notice)) {
      if (!is_new(line, told)) continue;
      told.push_back(line);
      lines.push_back(std::move(line));
    }
    attachments.push_back({{"color", colour_of(notice)},
                           {"fallback", fallback},
                           {"blocks", blocks_of(notice, lines, commands, bytes_max)}});
  }
  if (batch.dropped_before > 0) {
    headlines.push_back(std::to_string(batch.dropped_before) +
                        " older messages were dropped: there were too many");
  }
  return text_of(ordered_json{{"text", fitted(headlines, bytes_max)},
                              {"mrkdwn", false},
                              {"link_names", false},
                              {"unfurl_links", false},
                              {"unfurl_media", false},
                              {"attachments", std::move(attachments)}});
}

}  // namespace

std::string slack_message(const Outbox::Batch& batch, const CommandsByService& commands) {
  constexpr std::size_t kTextBytesMin = 100;
  for (std::size_t bytes_max = kSlackSectionBytesMax;; bytes_max = bytes_max * 3 / 4) {
    std::string text = message(batch, commands, bytes_max);
    if (text.size() <= kSlackMessageBytesMax || bytes_max < kTextBytesMin) return text;
  }
}

}  // namespace belay::exporters
