#include "exporters/kept_notice.h"

#include <array>
#include <cstdint>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "exporters/notice_text.h"

namespace belay::exporters {
namespace {

using nlohmann::ordered_json;
using rules::Notice;
using rules::Severity;

constexpr std::array kKinds = {
    Notice::Kind::fired,         Notice::Kind::cleared,         Notice::Kind::would_act,
    Notice::Kind::acting,        Notice::Kind::acted,           Notice::Kind::not_acted,
    Notice::Kind::recovered,     Notice::Kind::not_recovered,   Notice::Kind::inconclusive,
    Notice::Kind::rollout_ended, Notice::Kind::rollout_started, Notice::Kind::rollout_moved,
    Notice::Kind::rollout_held,  Notice::Kind::source_lost,     Notice::Kind::unknown_too_long,
    Notice::Kind::source_back};
constexpr std::array kSeverities = {Severity::critical, Severity::warning};

ordered_json json_of(const KeptNotice& kept, const std::vector<std::string>& details) {
  const Notice& notice = kept.notice;
  return {{"to", sanitize(kept.route)},
          {"notice", name_of(notice.kind)},
          {"page", notice.page},
          {"at_ns", notice.at.time_since_epoch().count()},
          {"severity", name_of(notice.severity)},
          {"service", sanitize(notice.service)},
          {"rule", sanitize(notice.rule)},
          {"candidate", sanitize(notice.candidate)},
          {"baseline", sanitize(notice.baseline)},
          {"intent", sanitize(notice.intent)},
          {"headline", sanitize(notice.headline)},
          {"details", details}};
}

template <typename Enum, std::size_t N>
bool read(const ordered_json& json, const char* key, const std::array<Enum, N>& values,
          Enum& into) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return false;
  for (const Enum value : values) {
    if (found->get_ref<const std::string&>() != name_of(value)) continue;
    into = value;
    return true;
  }
  return false;
}

bool read(const ordered_json& json, const char* key, std::string& into) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return false;
  into = found->get<std::string>();
  return true;
}

bool read_rest(const ordered_json& json, Notice& notice) {
  const auto page = json.find("page");
  const auto at = json.find("at_ns");
  const auto details = json.find("details");
  if (page == json.end() || !page->is_boolean()) return false;
  if (at == json.end() || !at->is_number_integer()) return false;
  if (details == json.end() || !details->is_array()) return false;
  notice.page = page->get<bool>();
  notice.at = Instant{Duration{at->get<std::int64_t>()}};
  if (notice.at < Instant{}) return false;
  for (const ordered_json& line : *details) {
    if (!line.is_string()) return false;
    notice.details.push_back(line.get<std::string>());
  }
  return true;
}

}  // namespace

std::string text_of(const KeptNotice& kept) {
  std::vector<std::string> details = lines_of(kept.notice);
  std::string text = text_of(json_of(kept, details));
  for (std::size_t keep = details.size(); text.size() > kKeptBytesMax && keep > 0;) {
    keep /= 2;
    details.resize(keep);
    std::vector<std::string> cut = details;
    cut.emplace_back("… and more: see `belay history`");
    text = text_of(json_of(kept, cut));
  }
  return text;
}

std::optional<KeptNotice> kept_notice_of(std::string_view text) {
  const auto json = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  KeptNotice kept;
  Notice& notice = kept.notice;
  const bool is_whole = read(json, "to", kept.route) && read(json, "notice", kKinds, notice.kind) &&
                        read(json, "severity", kSeverities, notice.severity) &&
                        read(json, "service", notice.service) && read(json, "rule", notice.rule) &&
                        read(json, "candidate", notice.candidate) &&
                        read(json, "baseline", notice.baseline) &&
                        read(json, "intent", notice.intent) &&
                        read(json, "headline", notice.headline) && read_rest(json, notice);
  if (!is_whole) return std::nullopt;
  return kept;
}

}  // namespace belay::exporters
