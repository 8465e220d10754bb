#include "exporters/notice_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/sanitize.h"
#include "base/time.h"

namespace belay::exporters {
namespace {

using rules::Notice;

/// Of a line: "by hand: " and a command that must be whole.
constexpr std::size_t kDetailBytesMax = rules::kByHandBytesMax + 20;

/// No quoting needed in any shell, and never taken for an option.
bool is_plain_id(std::string_view id) {
  constexpr std::size_t kBytesMax = 200;
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:/@-").find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= kBytesMax && id.front() != '-' &&
         std::all_of(id.begin(), id.end(), is_plain);
}

/// Whether the headline holds what the line says, with or without the line's label ("why not: ").
bool tells(const std::string& headline, const std::string& line) {
  if (headline.find(line) != std::string::npos) return true;
  const std::size_t colon = line.find(": ");
  if (colon == std::string::npos) return false;
  const std::string said = line.substr(colon + 2);
  const bool is_phrase = said.find(' ') != std::string::npos;  // A word may stand there by chance.
  return is_phrase && headline.find(said) != std::string::npos;
}

struct Filling {
  std::string text;
  bool has_all = true;
};

Filling fill(std::string_view command, const Notice& notice) {
  const std::array<std::pair<std::string_view, std::string_view>, 3> fields = {
      {{"{service}", notice.service},
       {"{candidate}", notice.candidate},
       {"{baseline}", notice.baseline}}};
  Filling filling;
  while (!command.empty()) {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& one) {
      return command.starts_with(one.first);
    });
    if (field == fields.end()) {
      filling.text.push_back(command.front());
      command.remove_prefix(1);
      continue;
    }
    const bool is_plain = is_plain_id(field->second);
    filling.has_all = filling.has_all && is_plain;
    filling.text.append(is_plain ? field->second : field->first);
    command.remove_prefix(field->first.size());
  }
  return filling;
}

}  // namespace

std::string filled(std::string_view command, const Notice& notice) {
  std::string out;
  while (!command.empty()) {
    const bool is_optional = command.front() == '[';
    if (is_optional) command.remove_prefix(1);
    const std::size_t size = std::min(command.find(is_optional ? ']' : '['), command.size());
    const Filling part = fill(command.substr(0, size), notice);
    if (!is_optional || part.has_all) out += part.text;
    command.remove_prefix(std::min(command.size(), size + (is_optional ? 1 : 0)));
  }
  return out;
}

std::string_view title_of(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::fired:
      return "Rule fires";
    case Notice::Kind::cleared:
      return "Rule is fine again";
    case Notice::Kind::would_act:
      return "Would act";
    case Notice::Kind::acting:
      return "Acting";
    case Notice::Kind::acted:
      return "Acted";
    case Notice::Kind::not_acted:
      return "Did not act";
    case Notice::Kind::recovered:
      return "Recovered";
    case Notice::Kind::not_recovered:
      return "Not recovered";
    case Notice::Kind::inconclusive:
      return "Recovery is not known";
    case Notice::Kind::rollout_started:
      return "Rollout began";
    case Notice::Kind::rollout_moved:
      return "Rollout goes on";
    case Notice::Kind::rollout_held:
      return "Rollout is held";
    case Notice::Kind::rollout_ended:
      return "Rollout ended";
    case Notice::Kind::unknown_too_long:
      return "Not known for too long";
    case Notice::Kind::source_lost:
      return "Source lost";
    case Notice::Kind::source_back:
      return "Source is back";
  }
  return "Notice";
}

std::vector<std::string> lines_of(const Notice& notice) {
  const std::string headline = sanitize(notice.headline);
  std::vector<std::string> details;
  for (const std::string& detail : notice.details)
    details.push_back(sanitize(detail, kDetailBytesMax));
  std::vector<std::string> lines;
  for (const rules::Evidence& evidence : notice.evidence) {
    const std::string said = sanitize(describe(evidence));
    const bool is_told = std::any_of(details.begin(), details.end(), [&](const auto& detail) {
      return detail.find(said) != std::string::npos;
    });
    if (!is_told) lines.push_back(sanitize(evidence.what) + " " + said);
  }
  lines.insert(lines.end(), details.begin(), details.end());
  std::erase_if(lines, [&](const std::string& line) { return tells(headline, line); });
  return lines;
}

std::string origin_of(const Notice& notice) {
  std::string origin;
  const auto add = [&](std::string_view name, const std::string& value) {
    constexpr std::size_t kBytesMax = 100;
    if (!value.empty()) origin.append(name).append(sanitize(value, kBytesMax)).append(" · ");
  };
  add("rule ", notice.rule);
  add("candidate ", notice.candidate);
  add("baseline ", notice.baseline);
  add("action ", notice.intent);
  return origin + format_utc(notice.at);
}

}  // namespace belay::exporters
