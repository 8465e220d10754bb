#include "monitor/replay/episodes.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const std::vector<Episode>& episodes) {
  ordered_json list = ordered_json::array();
  for (const Episode& episode : episodes) {
    ordered_json one{{"fired", format_utc(episode.fired)}, {"cleared", nullptr}};
    if (episode.cleared) one["cleared"] = format_utc(*episode.cleared);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

void Episodes::take(const rules::Step& step) {
  for (const rules::Notice& notice : step.notices) {
    const bool fired = notice.kind == rules::Notice::Kind::fired;
    if (!fired && notice.kind != rules::Notice::Kind::cleared) continue;
    std::vector<Episode>& episodes = by_rule_[{notice.service, notice.rule}];
    if (fired) {
      episodes.push_back({.fired = notice.at, .cleared = std::nullopt});
    } else if (!episodes.empty()) {
      episodes.back().cleared = notice.at;
    }
  }
}

const std::vector<Episode>& Episodes::of(const std::string& service,
                                         const std::string& rule) const {
  static const std::vector<Episode> kNone;
  const auto found = by_rule_.find({service, rule});
  return found == by_rule_.end() ? kNone : found->second;
}

std::vector<RuleBeside> beside(const Episodes& a, const Episodes& b) {
  std::map<std::pair<std::string, std::string>, RuleBeside> rules;
  for (const Episodes* one : {&a, &b}) {
    for (const auto& [name, episodes] : one->by_rule_) {
      rules[name] = {.service = name.first,
                     .rule = name.second,
                     .a = a.of(name.first, name.second),
                     .b = b.of(name.first, name.second)};
    }
  }
  std::vector<RuleBeside> sorted;
  for (auto& [name, rule] : rules) sorted.push_back(std::move(rule));
  return sorted;
}

std::string text_of(const std::vector<Episode>& episodes) {
  std::string text;
  for (const Episode& episode : episodes) {
    text += fmt::format("{}fired {} to {}", text.empty() ? "" : "; ", format_utc(episode.fired),
                        episode.cleared ? format_utc(*episode.cleared) : "the end");
  }
  return text.empty() ? "never fired" : text;
}

ordered_json json_of(const RuleBeside& rule) {
  return {{"service", rule.service},
          {"rule", rule.rule},
          {"differs", rule.differs()},
          {"a", json_of(rule.a)},
          {"b", json_of(rule.b)}};
}

}  // namespace belay::monitor
